// Tar archives: every member lies in the file and has a safe name.
#include "drivers/ova/tar_index.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include "drivers/shared/byte_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto window =
      flyt::memory_window("fuzz", std::string(reinterpret_cast<const char*>(data), size));
  const auto members = flyt::ova::index_tar(*window, {});
  if (!members) return 0;
  for (const auto& member : *members) {
    if (member.offset > size || member.size > size - member.offset) __builtin_trap();
    if (flyt::ova::safe_name(member.name) != member.name) __builtin_trap();
  }
  return 0;
}
