// gzip as a stream: either an error or an end.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "drivers/shared/byte_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto window = flyt::memory_window("fuzz", std::string(reinterpret_cast<const char*>(data), size));
  const auto stream = flyt::gunzip(flyt::stream_of(std::move(window)), "fuzz");
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const auto got = stream->read(buffer, {});
    if (!got || *got == 0) return 0;
    if (*got > buffer.size()) __builtin_trap();
  }
}
