#include "movers/convert/v2v_log.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  flyt::V2vLog log;
  std::size_t lines = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view phase = log.add(text.substr(0, end));
    if (std::count(phase.begin(), phase.end(), '\0') > static_cast<std::ptrdiff_t>(size)) {
      std::abort();  // the phase's bytes are there to be read
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++lines;
  }
  if (log.warnings.size() + log.errors.size() > lines) std::abort();
  return 0;
}
