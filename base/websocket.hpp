// Web sockets (RFC 6455, version 13), the client's side.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/http.hpp"

namespace flyt {

struct WebSocketRequest {
  std::string url;  // http or https
  // Begins errors, which never show the URL: what stands behind its '?' is often a secret.
  std::string title;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::vector<std::pair<std::string, Secret>> secret_headers = {};  // never in errors
  std::string protocol = {};                 // Sec-WebSocket-Protocol; empty: none
  std::size_t limit = std::size_t{1} << 20;  // of one message of the server; more: Errc::invalid
};

// For one thread at a time. Pings are answered while send() or receive() is at work. After an error
// the connection is of no use any more, but for Errc::timed_out of receive(): nothing is lost.
class WebSocket {
 public:
  // Errors: as Http::request(); where the server answers but with no web socket, by its status:
  // denied (401, 403), not_found (404), unavailable (5xx), unsupported; `seen` tells its words.
  // Errc::corrupt: what it says is neither HTTP nor a web socket.
  static Result<WebSocket> connect(const WebSocketRequest& request, const HttpTrust& trust,
                                   const Call& call);
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;
  ~WebSocket();  // without taking leave

  // A binary message, in one frame.
  Status send(std::span<const std::byte> message, const Call& call);
  Status send(std::string_view message, const Call& call);
  // The server's next message, text or binary; nothing: it has taken leave. A connection that
  // broke is Errc::unavailable; what no server may send is Errc::corrupt.
  Result<std::optional<std::string>> receive(const Call& call);
  // Takes leave, and waits until the server has done so too, or has ended the connection.
  Status close(const Call& call);

 private:
  struct Impl;
  explicit WebSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt
