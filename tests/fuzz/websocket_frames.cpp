// What a server sends by a web socket: the same messages however it is cut into pieces, none larger
// than the limit, and an error that stays.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/websocket_frames.hpp"

namespace {

using namespace flyt;

constexpr std::size_t limit = 300;

std::string read_all(std::span<const std::byte> data, std::size_t piece) {
  FrameReader reader(limit);
  std::string seen;
  for (;;) {
    for (;;) {
      const auto message = reader.next();
      if (!message) {
        const auto again = reader.next();
        if (again || again.error().code != message.error().code) __builtin_trap();
        return seen + message.error().what;
      }
      if (!*message) break;
      if ((*message)->payload.size() > limit || (*message)->kind == FrameKind::more) {
        __builtin_trap();
      }
      seen += std::to_string(static_cast<unsigned>((*message)->kind)) + (*message)->payload + '|';
    }
    if (data.empty()) return seen;
    const auto part = data.first(std::min(piece, data.size()));
    reader.add(part);
    data = data.subspan(part.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::string whole = read_all(bytes, size + 1);
  if (whole != read_all(bytes, 1) || whole != read_all(bytes, 7)) __builtin_trap();
  return 0;
}
