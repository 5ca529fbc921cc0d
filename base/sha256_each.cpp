#include <cassert>

#include "base/digest.hpp"

namespace flyt {

void sha256_each(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out) {
  assert(out.size() == buffers.size());
  for (std::size_t at = 0; at < buffers.size(); ++at) out[at] = sha256(buffers[at]);
}

std::string_view sha256_engine() { return "openssl"; }

}  // namespace flyt
