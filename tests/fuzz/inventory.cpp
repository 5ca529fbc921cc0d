#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/inventory_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto inventory =
      flyt::parse_inventory(std::string_view(reinterpret_cast<const char*>(data), size));
  if (inventory && !flyt::parse_inventory(flyt::inventory_text(*inventory))) std::abort();
  return 0;
}
