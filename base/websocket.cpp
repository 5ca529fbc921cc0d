#include "base/websocket.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/digest.hpp"
#include "base/http_socket.hpp"
#include "base/identity.hpp"
#include "base/lower_case.hpp"
#include "base/websocket_frames.hpp"

namespace flyt {
namespace {

constexpr std::size_t longest_head = std::size_t{16} << 10;
constexpr std::size_t read_at_once = std::size_t{64} << 10;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string new_key() {
  std::array<std::byte, 16> bytes{};
  fill_random(bytes);
  return to_base64(bytes);
}

std::string accept_of(const std::string& key) {
  Hasher hasher(HashKind::sha1);
  hasher.add(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  const std::string hex = hasher.finish_hex();
  std::array<std::byte, 20> digest{};
  for (std::size_t at = 0; at < digest.size(); ++at) {
    unsigned value = 0;
    (void)std::from_chars(&hex[2 * at], &hex[2 * at] + 2, value, 16);
    digest[at] = static_cast<std::byte>(value);
  }
  return to_base64(digest);
}

// "host:port", path and query of a URL as it is written.
Result<std::pair<std::string, std::string>> parts_of(const WebSocketRequest& request) {
  const std::string_view url = request.url;
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto path = std::min(url.find_first_of("/?#", begin), url.size());
  const std::string_view rest = url.substr(path, url.find('#', path) - path);
  if (url.find_first_of(" \r\n\t") != std::string_view::npos || path == begin) {
    return Error{Errc::invalid, fmt::format("{}: its URL is none", request.title)};
  }
  return std::pair(std::string(url.substr(begin, path - begin)),
                   rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest));
}

// What the server has answered, up to the empty line.
struct Head {
  long status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

  std::string header(std::string_view name) const {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [name](const auto& one) { return one.first == name; });
    return found == headers.end() ? std::string() : found->second;
  }
};

std::string_view trimmed(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  const auto end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

std::optional<Head> head_of(std::string_view text) {
  Head head;
  for (bool first = true; !text.empty(); first = false) {
    const auto end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), line.size() + 2));
    if (!first) {
      const auto colon = line.find(':');
      if (colon == std::string_view::npos || colon == 0) return std::nullopt;
      head.headers.emplace_back(lower_case(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
      continue;
    }
    constexpr std::size_t code_at = 9, code_end = 12;  // "HTTP/1.1 101"
    if (!line.starts_with("HTTP/1.") || line.size() < code_end) return std::nullopt;
    const auto [last, bad] =
        std::from_chars(line.data() + code_at, line.data() + code_end, head.status);
    if (bad != std::errc() || last != line.data() + code_end) return std::nullopt;
    head.reason = trimmed(line.substr(code_end));
  }
  return head.status == 0 ? std::nullopt : std::optional(std::move(head));
}

Errc meaning_of(long status) {
  if (status == 401 || status == 403) return Errc::denied;
  if (status == 404) return Errc::not_found;
  return status >= 500 && status != 501 ? Errc::unavailable : Errc::unsupported;
}

// Names in a list like "keep-alive, Upgrade".
bool lists(std::string_view values, std::string_view wanted) {
  while (!values.empty()) {
    const auto comma = std::min(values.find(','), values.size());
    if (lower_case(trimmed(values.substr(0, comma))) == wanted) return true;
    values.remove_prefix(std::min(values.size(), comma + 1));
  }
  return false;
}

}  // namespace

struct WebSocket::Impl {
  Impl(const WebSocketRequest& request, HttpSocket connected)
      : title(request.title),
        protocol(request.protocol),
        socket(std::move(connected)),
        reader(request.limit) {}

  Error unusable(std::string why) const {
    return {Errc::corrupt, fmt::format("{}: the server speaks no web socket", title),
            std::move(why)};
  }
  Error broken() const {
    return {Errc::unavailable, fmt::format("{}: the connection broke", title)};
  }

  Status ask(const WebSocketRequest& request, const Call& call);
  Result<Head> answer(const Call& call);
  Status judge(const Head& head) const;
  Status write(FrameKind kind, std::span<const std::byte> payload, const Call& call);
  Result<std::optional<FrameReader::Message>> next();
  Status pong(const FrameReader::Message& ping, const Call& call);
  Status look(const Call& call);

  std::string title, protocol, key = new_key();
  HttpSocket socket;
  FrameReader reader;
  std::vector<std::byte> buffer = std::vector<std::byte>(read_at_once);
  std::optional<std::string> waiting;  // came while something was sent
  bool left = false;                   // we have taken leave
  bool over = false;                   // the server has
};

Status WebSocket::Impl::ask(const WebSocketRequest& request, const Call& call) {
  FLYT_ASSIGN(const auto parts, parts_of(request));
  std::string text = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
      parts.second, parts.first, key);
  const auto add = [&](std::string_view name, std::string_view value) -> Status {
    if (name.find_first_of("\r\n:") != std::string_view::npos ||
        value.find_first_of("\r\n") != std::string_view::npos) {
      return Error{Errc::invalid, fmt::format("{}: header {} holds a line break", title, name)};
    }
    text.append(name).append(": ").append(value).append("\r\n");
    return ok();
  };
  if (!protocol.empty()) FLYT_TRY(add("Sec-WebSocket-Protocol", protocol));
  for (const auto& [name, value] : request.headers) FLYT_TRY(add(name, value));
  for (const auto& [name, value] : request.secret_headers) FLYT_TRY(add(name, value.reveal()));
  text += "\r\n";
  const Secret wiped(std::move(text));
  return socket.write(bytes_of(wiped.reveal()), call);
}

Result<Head> WebSocket::Impl::answer(const Call& call) {
  std::string text;
  for (;;) {
    FLYT_ASSIGN(const std::size_t got, socket.read(buffer, call));
    if (got == 0) return text.empty() ? broken() : unusable("its answer ends in the middle");
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
    const auto end = text.find("\r\n\r\n");
    if (end > longest_head && text.size() > longest_head) {
      return unusable("its answer has no end");
    }
    if (end == std::string::npos) continue;
    auto head = head_of(std::string_view(text).substr(0, end));
    if (!head) return unusable("its answer is no HTTP");
    reader.add(bytes_of(std::string_view(text).substr(end + 4)));
    return *std::move(head);
  }
}

Status WebSocket::Impl::judge(const Head& head) const {
  if (head.status != 101) {
    constexpr std::size_t longest = 300;
    return Error{meaning_of(head.status), fmt::format("{}: the server opens no web socket", title),
                 fmt::format("HTTP status {} {}", head.status, head.reason.substr(0, longest))};
  }
  if (!lists(head.header("upgrade"), "websocket") || !lists(head.header("connection"), "upgrade")) {
    return unusable("its answer upgrades to something else");
  }
  if (head.header("sec-websocket-accept") != accept_of(key)) {
    return unusable("its answer is to another request");
  }
  if (!head.header("sec-websocket-extensions").empty()) {
    return unusable("it uses an extension that was not asked for");
  }
  const std::string chosen = head.header("sec-websocket-protocol");
  if (!chosen.empty() && chosen != protocol) {
    return unusable("it chose a protocol that was not asked for");
  }
  return ok();
}

Status WebSocket::Impl::write(FrameKind kind, std::span<const std::byte> payload,
                              const Call& call) {
  std::array<std::byte, 4> mask{};
  fill_random(mask);
  return socket.write(bytes_of(client_frame(kind, payload, mask)), call);
}

Result<std::optional<FrameReader::Message>> WebSocket::Impl::next() {
  return within(title, reader.next());
}

Status WebSocket::Impl::pong(const FrameReader::Message& ping, const Call& call) {
  return write(FrameKind::pong, bytes_of(ping.payload), call);
}

// Takes in what has come, without waiting: pings are answered, one message is kept.
Status WebSocket::Impl::look(const Call& call) {
  while (!waiting && !over) {
    FLYT_ASSIGN(auto message, next());
    if (!message) {
      FLYT_ASSIGN(const auto got, socket.read_now(buffer));
      if (!got) return ok();
      if (*got == 0) return broken();
      reader.add(std::span(buffer).first(*got));
    } else if (message->kind == FrameKind::close) {
      over = true;
    } else if (message->kind == FrameKind::ping) {
      FLYT_TRY(pong(*message, call));
    } else if (message->kind != FrameKind::pong) {
      waiting = std::move(message->payload);
    }
  }
  return ok();
}

WebSocket::WebSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&&) noexcept = default;
WebSocket::~WebSocket() = default;

Result<WebSocket> WebSocket::connect(const WebSocketRequest& request, const HttpTrust& trust,
                                     const Call& call) {
  FLYT_ASSIGN(HttpSocket socket, HttpSocket::connect(request.url, trust, request.title, call));
  auto impl = std::make_unique<Impl>(request, std::move(socket));
  FLYT_TRY(impl->ask(request, call));
  FLYT_ASSIGN(const Head head, impl->answer(call));
  FLYT_TRY(impl->judge(head));
  return WebSocket(std::move(impl));
}

Status WebSocket::send(std::span<const std::byte> message, const Call& call) {
  FLYT_TRY(impl_->look(call));
  if (impl_->over || impl_->left) {
    return Error{Errc::unavailable, fmt::format("{}: the server has taken leave", impl_->title)};
  }
  return impl_->write(FrameKind::binary, message, call);
}

Status WebSocket::send(std::string_view message, const Call& call) {
  return send(bytes_of(message), call);
}

Result<std::optional<std::string>> WebSocket::receive(const Call& call) {
  Impl& me = *impl_;
  for (;;) {
    if (me.waiting) return std::exchange(me.waiting, std::nullopt);
    if (me.over) {
      if (!std::exchange(me.left, true)) (void)me.write(FrameKind::close, {}, call);
      return std::optional<std::string>();
    }
    FLYT_TRY(me.look(call));
    if (me.waiting || me.over) continue;
    FLYT_ASSIGN(const std::size_t got, me.socket.read(me.buffer, call));
    if (got == 0) return me.broken();
    me.reader.add(std::span(me.buffer).first(got));
  }
}

Status WebSocket::close(const Call& call) {
  Impl& me = *impl_;
  constexpr std::array normal{std::byte{0x03}, std::byte{0xe8}};  // 1000
  if (!std::exchange(me.left, true)) FLYT_TRY(me.write(FrameKind::close, normal, call));
  for (;;) {
    auto message = receive(call);
    if (message && *message) continue;
    if (message || message.error().code == Errc::unavailable) return ok();
    return std::move(message).error();
  }
}

}  // namespace flyt
