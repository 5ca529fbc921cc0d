#include "base/uri.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/lower_case.hpp"

namespace flyt {
namespace {

constexpr unsigned highest_port = 65535;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
bool is_path_character(char c) {
  return is_unreserved(c) || std::string_view("/!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

int nibble(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <typename Keep>
std::string encode(std::string_view text, Keep keep) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (keep(c)) {
      out += c;
    } else {
      (out += '%') += digits[byte >> 4];
      out += digits[byte & 15U];
    }
  }
  return out;
}

// A text with '@' may hold a password: it is never repeated.
Error rubbish(std::string_view text, std::string_view why) {
  Error error{Errc::invalid, fmt::format("this is no URI: {}", why)};
  if (text.find('@') == std::string_view::npos)
    error.seen = encode(text, [](char c) {
      return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f;
    });
  return error;
}

std::optional<std::string> decode_text(std::string_view text) {
  auto decoded = percent_decode(text);
  if (decoded && decoded->find('\0') != std::string::npos) return std::nullopt;
  return decoded;
}

std::string_view take_scheme(std::string_view& rest) {
  if (rest.empty() || !is_alpha(rest.front())) return {};
  const auto end = std::find_if_not(rest.begin(), rest.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  const auto scheme = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  if (scheme.size() == rest.size() || rest[scheme.size()] != ':') return {};
  rest.remove_prefix(scheme.size() + 1);
  return scheme;
}

bool is_host(std::string_view host, bool bracketed) {
  return std::all_of(host.begin(), host.end(), [bracketed](char c) {
    return bracketed ? nibble(c) >= 0 || c == ':' || c == '.' : is_unreserved(c);
  });
}

std::optional<unsigned> port_of(std::string_view text) {
  unsigned port = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > highest_port) return std::nullopt;
  }
  return port;
}

// "user@host:port"; `whole` for the error.
Status read_authority(std::string_view authority, std::string_view whole, Uri& uri) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    if (user.find(':') != std::string_view::npos) {
      Error error = rubbish(whole, "it holds a password");
      error.remedy = {"name the secret's file, environment variable or command instead"};
      return error;
    }
    const auto decoded = decode_text(user);
    if (!decoded || decoded->find(':') != std::string::npos) return rubbish(whole, "bad user name");
    uri.user = *decoded;
    authority.remove_prefix(at + 1);
  }
  const bool bracketed = authority.starts_with('[');
  const auto end = bracketed ? authority.find(']') : authority.rfind(':');
  if (bracketed && end == std::string_view::npos) return rubbish(whole, "no ] after the host");
  const std::string_view host = bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  if (!is_host(host, bracketed)) return rubbish(whole, "bad host name");
  if (bracketed && host.find(':') == std::string_view::npos) {
    return rubbish(whole, "only an IPv6 address stands in brackets");
  }
  uri.host = std::string(host);
  if (uri.host.empty() && !uri.user.empty()) return rubbish(whole, "a user, but no host");
  const std::string_view rest =
      end == std::string_view::npos ? "" : authority.substr(bracketed ? end + 1 : end);
  if (rest.empty() || rest == ":") return ok();
  if (rest.front() != ':' || uri.host.empty()) return rubbish(whole, "bad host name");
  uri.port = port_of(rest.substr(1));
  return uri.port ? ok() : rubbish(whole, "bad port");
}

}  // namespace

Result<Uri> Uri::parse(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f) {
      return rubbish(text, "blanks and letters beyond ASCII must be written as %XX");
    }
  }
  std::string_view rest = text;
  const std::string_view scheme = take_scheme(rest);
  if (scheme.empty()) return rubbish(text, "it begins with no scheme, like https:");
  if (rest.find('#') != std::string_view::npos) return rubbish(text, "it has a fragment (#)");
  Uri uri;
  uri.scheme = lower_case(scheme);
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    uri.query = std::string(rest.substr(mark + 1));
    rest = rest.substr(0, mark);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = std::min(rest.find('/'), rest.size());
    FLYT_TRY(read_authority(rest.substr(0, slash), text, uri));
    rest.remove_prefix(slash);
  }
  auto path = decode_text(rest);
  if (!path) return rubbish(text, "a bad %XX in the path");
  uri.path = std::move(*path);
  return uri;
}

std::string Uri::text() const {
  std::string out = scheme + ":";
  if (!host.empty() || path.starts_with('/')) out += "//";
  if (!user.empty()) out += percent_encode(user) + "@";
  out += host.find(':') != std::string::npos ? "[" + host + "]" : host;
  if (port) out += fmt::format(":{}", *port);
  out += encode(path, is_path_character);
  if (!query.empty()) out += "?" + query;
  return out;
}

std::string percent_encode(std::string_view text) { return encode(text, is_unreserved); }

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    if (text.size() - at < 3) return std::nullopt;
    const int high = nibble(text[at + 1]), low = nibble(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

std::string nbd_unix_uri(std::string_view socket) {
  return "nbd+unix:///?socket=" + percent_encode(socket);
}

}  // namespace flyt
