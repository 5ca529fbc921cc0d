// VMDKs that come as one sequence: extents follow each other and end with the disk.
#include "drivers/shared/vmdk_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "drivers/shared/byte_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto window = flyt::memory_window("fuzz", std::string(reinterpret_cast<const char*>(data), size));
  auto stream = flyt::VmdkStream::open(flyt::stream_of(std::move(window)), {"fuzz", {}}, {});
  if (!stream) return 0;
  static std::vector<std::byte> buffer(1 << 20);
  std::uint64_t at = 0;
  for (;;) {
    const auto extent = stream->next(buffer, {});
    if (!extent) return 0;
    if (!*extent) break;
    if ((*extent)->offset != at || (*extent)->length == 0) __builtin_trap();
    if (!(*extent)->zero && (*extent)->length > buffer.size()) __builtin_trap();
    at += (*extent)->length;
  }
  if (at != stream->header().capacity) __builtin_trap();
  return 0;
}
