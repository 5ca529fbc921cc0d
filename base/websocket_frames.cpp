#include "base/websocket_frames.hpp"

#include <fmt/format.h>

#include <utility>

namespace flyt {
namespace {

constexpr std::size_t shortest_head = 2;
constexpr std::size_t longest_control = 125;
constexpr std::uint64_t two_bytes = 126, eight_bytes = 127;  // marks instead of a length

Error wrong(std::string why) {
  return {Errc::corrupt, "this is no web socket's frame", std::move(why)};
}

bool is_control(FrameKind kind) { return kind >= FrameKind::close; }

bool is_known(unsigned code) { return code <= 2 || (code >= 8 && code <= 10); }

void put_number(std::string& to, std::uint64_t number, unsigned bytes) {
  while (bytes-- > 0) to += static_cast<char>(number >> (8 * bytes));
}

std::uint64_t number_in(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8U | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

std::string client_frame(FrameKind kind, std::span<const std::byte> payload,
                         std::array<std::byte, 4> mask) {
  constexpr unsigned last = 0x80, masked = 0x80;
  std::string frame(1, static_cast<char>(last | static_cast<unsigned>(kind)));
  const std::size_t size = payload.size();
  if (size <= longest_control) {
    frame += static_cast<char>(masked | size);
  } else if (size <= UINT16_MAX) {
    frame += static_cast<char>(masked | two_bytes);
    put_number(frame, size, 2);
  } else {
    frame += static_cast<char>(masked | eight_bytes);
    put_number(frame, size, 8);
  }
  for (const std::byte one : mask) frame += static_cast<char>(one);
  const std::size_t begin = frame.size();
  frame.resize(begin + size);
  for (std::size_t at = 0; at < size; ++at) {
    frame[begin + at] = static_cast<char>(payload[at] ^ mask[at % mask.size()]);
  }
  return frame;
}

struct FrameReader::Head {
  FrameKind kind;
  bool last;
  std::size_t bytes;  // of the head itself
  std::uint64_t length;
};

void FrameReader::add(std::span<const std::byte> data) {
  bytes_.erase(0, std::exchange(at_, 0));
  bytes_.append(reinterpret_cast<const char*>(data.data()), data.size());
}

Result<std::optional<FrameReader::Head>> FrameReader::head() const {
  const std::string_view bytes = std::string_view(bytes_).substr(at_);
  if (bytes.size() < shortest_head) return std::optional<Head>();
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  const unsigned code = first & 0x0fU;
  if ((first & 0x70U) != 0) return wrong("a reserved bit is set");
  if (!is_known(code)) return wrong(fmt::format("there is no operation {}", code));
  if ((second & 0x80U) != 0) return wrong("a server masks nothing");
  Head head{static_cast<FrameKind>(code), (first & 0x80U) != 0, shortest_head, second & 0x7fU};
  if (is_control(head.kind) && (!head.last || head.length > longest_control)) {
    return wrong("a control frame is too long, or a fragment");
  }
  if (head.length < two_bytes) return std::optional<Head>(head);
  const std::size_t more = head.length == two_bytes ? 2 : 8;
  if (bytes.size() < shortest_head + more) return std::optional<Head>();
  head.bytes += more;
  head.length = number_in(bytes.substr(shortest_head, more));
  if (head.length <= (more == 2 ? longest_control : std::uint64_t{UINT16_MAX})) {
    return wrong("a length is written longer than it is");
  }
  if (head.length >> 63U != 0) return wrong("a length is negative");
  return std::optional<Head>(head);
}

Result<std::optional<FrameReader::Message>> FrameReader::next() {
  for (;;) {
    FLYT_ASSIGN(const auto found, head());
    if (!found) return std::optional<Message>();
    if (!is_control(found->kind)) {
      if ((found->kind == FrameKind::more) != started_.has_value()) {
        return wrong("a fragment has no beginning, or a message no end");
      }
      const std::size_t have = started_ ? started_->payload.size() : 0;
      if (found->length > limit_ - have) {
        return Error{Errc::invalid, fmt::format("a message is larger than {} bytes", limit_)};
      }
    }
    if (found->length > bytes_.size() - at_ - found->bytes) return std::optional<Message>();
    FLYT_ASSIGN(auto whole, take(*found));
    if (whole) return whole;
  }
}

Result<std::optional<FrameReader::Message>> FrameReader::take(const Head& head) {
  const auto payload = std::string_view(bytes_).substr(at_ + head.bytes, head.length);
  if (head.kind == FrameKind::close && payload.size() == 1) return wrong("half a status");
  at_ += head.bytes + head.length;
  if (is_control(head.kind)) {
    return std::optional<Message>(Message{head.kind, std::string(payload)});
  }
  if (head.kind != FrameKind::more) started_ = Message{head.kind, {}};
  started_->payload += payload;
  if (!head.last) return std::optional<Message>();
  return std::exchange(started_, std::nullopt);
}

}  // namespace flyt
