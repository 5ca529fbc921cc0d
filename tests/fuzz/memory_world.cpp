// Worlds of the memory driver: whatever is accepted is written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/memory/world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto world = flyt::memory::parse_world({reinterpret_cast<const char*>(data), size});
  if (!world) return 0;
  const std::string text = world_text(*world);
  const auto again = flyt::memory::parse_world(text);
  if (!again || world_text(*again) != text) std::abort();
  return 0;
}
