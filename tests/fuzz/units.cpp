#include "base/units.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = flyt::parse_size(text)) (void)flyt::format_size(*bytes);
  if (const auto time = flyt::parse_duration(text)) (void)flyt::format_duration(*time);
  return 0;
}
