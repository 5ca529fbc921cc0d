#include "base/identity.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "base/digest.hpp"

namespace flyt {
namespace {

constexpr std::size_t uuid_length = 36;
constexpr std::size_t id_characters = 20;

bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

std::string migration_id(std::string_view site, std::string_view platform,
                         std::string_view machine) {
  std::string text(site);
  text.append(1, '\0').append(platform).append(1, '\0').append(machine);
  return "flyt-" + to_base32(sha256(text)).substr(0, id_characters);
}

void fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // An identity that is not random would be taken for another machine's.
    if (got <= 0) std::abort();
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::string random_uuid() {
  std::array<std::byte, 16> bytes{};
  fill_random(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

bool is_uuid(std::string_view text) {
  if (text.size() != uuid_length) return false;
  for (std::size_t at = 0; at < uuid_length; ++at) {
    if (is_dash(at) ? text[at] != '-' : !is_hex(text[at])) return false;
  }
  return true;
}

}  // namespace flyt
