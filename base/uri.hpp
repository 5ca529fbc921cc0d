// RFC 3986 URIs, as far as flyt needs them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flyt {

struct Uri {
  std::string scheme;  // lower case
  std::string user;    // percent-decoded; empty: none
  std::string host;    // without brackets; empty: none
  std::optional<unsigned> port;
  std::string path;   // percent-decoded
  std::string query;  // as written, without '?'

  // Errc::invalid for rubbish and for user:password@ — secrets do not belong into a URI.
  static Result<Uri> parse(std::string_view text);
  std::string text() const;
};

std::string percent_encode(std::string_view text);  // all but RFC 3986 "unreserved"
std::optional<std::string> percent_decode(std::string_view text);
// "nbd+unix:///?socket=PATH", with PATH percent-encoded.
std::string nbd_unix_uri(std::string_view socket);

}  // namespace flyt
