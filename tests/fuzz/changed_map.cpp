#include "movers/convert/changed_map.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto changed = flyt::parse_changed_map({reinterpret_cast<const char*>(data), size});
  if (!changed) return 0;
  std::uint64_t end = 0;
  for (const flyt::Extent& extent : *changed) {
    if (extent.offset < end || extent.length == 0) std::abort();
    end = extent.offset + extent.length;
  }
  return 0;
}
