// The frames of web sockets (RFC 6455), without a connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flyt {

enum class FrameKind : std::uint8_t {
  more = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

// One frame that is a whole message, as a client sends it.
std::string client_frame(FrameKind kind, std::span<const std::byte> payload,
                         std::array<std::byte, 4> mask);

// What a server sends, from bytes in pieces of any size. It holds no more than `limit` bytes and
// what add() was given last.
class FrameReader {
 public:
  struct Message {
    FrameKind kind = FrameKind::binary;  // never `more`: fragments are joined
    std::string payload;
  };

  explicit FrameReader(std::size_t limit) : limit_(limit) {}
  // REQUIRES: next() has told nothing since the last call.
  void add(std::span<const std::byte> data);
  // The next message or control frame; nothing: more bytes are needed. An error stays:
  // Errc::corrupt, no server may send this; Errc::invalid, a message is larger than the limit.
  Result<std::optional<Message>> next();

 private:
  struct Head;
  Result<std::optional<Head>> head() const;
  Result<std::optional<Message>> take(const Head& head);

  std::size_t limit_;
  std::string bytes_;               // not looked at yet
  std::size_t at_ = 0;              // where they begin
  std::optional<Message> started_;  // whose fragments are coming
};

}  // namespace flyt
