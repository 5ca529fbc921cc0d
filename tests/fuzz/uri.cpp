#include "base/uri.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// What was read once reads the same after being written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto uri = flyt::Uri::parse(text);
  if (!uri) return 0;
  const auto again = flyt::Uri::parse(uri->text());
  if (!again || again->text() != uri->text() || again->path != uri->path) std::abort();
  return 0;
}
