// Manifests of packages.
#include "drivers/ova/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = flyt::ova::parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!entries) return 0;
  for (const auto& entry : *entries) {
    const auto* found = flyt::ova::find_entry(*entries, entry.file);
    if (found != &entry || entry.file.empty()) __builtin_trap();
  }
  return 0;
}
