// Whom a handle of libcurl trusts, and what its failures mean. What http_exchange and http_socket
// stand on.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/http.hpp"

namespace flyt {

void start_libcurl();

// Fingerprints in lower case, without colons.
HttpTrust with_plain_pins(HttpTrust trust);
// Errc::invalid: a pin that cannot match, which must not look like a server that has changed.
// REQUIRES: with_plain_pins().
Status check_pins(const HttpTrust& trust);

// For CURLOPT_CONNECTTIMEOUT_MS: at most this, and no longer than the call has.
long connect_milliseconds(const Call& call, std::chrono::seconds at_most);

// Scheme, host and path: what stands behind '?' and before '@' may be secret.
std::string shown_url(std::string_view url);

class TrustedHandle {
 public:
  // `handle`: a CURL*. It must make no new connection once this is gone.
  TrustedHandle(void* handle, std::string title);
  TrustedHandle(const TrustedHandle&) = delete;
  TrustedHandle& operator=(const TrustedHandle&) = delete;
  ~TrustedHandle();

  // A CURLcode. REQUIRES: check_pins().
  int trust(const HttpTrust& trust);
  // What a CURLcode means that is no success; begins with the title.
  Error error_of(int code) const;
  // SHA-1 of the certificate that was offered to this handle meanwhile; empty: none was.
  const std::string& offered_sha1() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt
