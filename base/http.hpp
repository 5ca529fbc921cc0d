// HTTP over libcurl. TLS is always verified: by the system's authorities, a CA file, or a pinned
// certificate fingerprint.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace flyt {

struct HttpTrust {
  std::filesystem::path ca;  // PEM; empty: the system's
  // SHA-256 of the server's certificate (DER), hexadecimal, colons allowed. When set it alone
  // decides: neither name nor chain is looked at.
  std::string fingerprint;
  // SHA-1 of the same, for where only that can be had: a vCenter names its hosts' certificates so.
  // Good enough only when it came over a connection that is trusted already, for the host that it
  // is of; never ask a user for one. Not looked at where there is a `fingerprint`.
  std::string sha1 = {};
};

struct HttpResponse {
  long status = 0;
  std::string reason;                                        // text of the status line
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // SHA-1 of the server's certificate (DER) in lower case, for programs that trust by nothing
  // better; only where this request has made the connection, and after it was trusted. Else empty.
  std::string certificate_sha1 = {};
  const std::string* header(std::string_view name) const;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  // Begins errors, which then never show the URL: where its path is a secret. Empty: the method and
  // the URL up to '?'.
  std::string title = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Headers whose values are secret, e.g. Authorization. Never in argv, logs or errors.
  std::vector<std::pair<std::string, Secret>> secret_headers = {};
  std::string body = {};
  // Instead of `body`: called for the next bytes until it returns 0; `upload_size` when known.
  std::function<Result<std::size_t>(std::span<std::byte>)> upload = {};
  std::optional<std::uint64_t> upload_size = {};
  // Instead of HttpResponse::body, for 2xx answers only.
  std::function<Status(std::span<const std::byte>)> download = {};
  // Called before the first byte goes to `download`, with all of the answer but its body. An error
  // ends the request.
  std::function<Status(const HttpResponse& head)> before_download = {};
  std::uint64_t body_limit = std::uint64_t{64} << 20;  // of HttpResponse::body; more: Errc::invalid
  // By a connection that nobody has used before. libcurl sends a request again when a used one
  // breaks before it has answered anything, and cannot know whether the first was carried out: for
  // what must not be done twice.
  bool once = false;
  // Never from https to http; with secret headers to no other host or port: Errc::denied.
  bool follow_redirects = false;
};

// Keeps connections alive. Thread-safe: each call uses a handle of its own from a pool.
class Http {
 public:
  explicit Http(HttpTrust trust, std::chrono::seconds connect_timeout = std::chrono::seconds{15},
                std::chrono::seconds stall_timeout = std::chrono::seconds{60});
  ~Http();

  // Any HTTP status is a success. Errors: unavailable (refused, no route, name unknown, reset),
  // timed_out (connect, stall, deadline), denied (certificate; `seen` holds the fingerprint that
  // was offered, `remedy` how to trust it), cancelled, invalid (URL).
  Result<HttpResponse> request(const HttpRequest& request, const Call& call);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt
