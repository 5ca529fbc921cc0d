// Headers, descriptors and tables of VMDKs that are read at random.
#include <cstddef>
#include <cstdint>
#include <string>

#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/vmdk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto window =
      flyt::memory_window("fuzz", std::string(reinterpret_cast<const char*>(data), size));
  const auto image = flyt::inspect_vmdk(*window);
  if (!image) return 0;
  if (!image->header.directory_offset || image->header.capacity == 0) __builtin_trap();
  (void)flyt::check_vmdk_tables(*window, *image, {});  // either answer is right
  return 0;
}
