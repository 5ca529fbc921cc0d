// A connection to an HTTP server as a stream of bytes, for protocols that begin as HTTP.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/http.hpp"

namespace flyt {

// With TLS where the URL says https, trusted as by Http. For one thread at a time. Errors begin
// with the title and never show the URL: as Http::request(); a broken connection is unavailable.
class HttpSocket {
 public:
  static Result<HttpSocket> connect(const std::string& url, const HttpTrust& trust,
                                    const std::string& title, const Call& call);
  HttpSocket(HttpSocket&&) noexcept;
  HttpSocket& operator=(HttpSocket&&) noexcept;
  ~HttpSocket();

  // Waits for at least one byte; 0: the server has ended the stream.
  Result<std::size_t> read(std::span<std::byte> to, const Call& call);
  // Waits for nothing; nothing: nothing has come.
  Result<std::optional<std::size_t>> read_now(std::span<std::byte> to);
  // All of it.
  Status write(std::span<const std::byte> data, const Call& call);

 private:
  struct Impl;
  explicit HttpSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt
