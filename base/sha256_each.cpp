#include <cassert>

#include "base/sha256_ni.hpp"

namespace flyt {
namespace {

bool use_lanes() {
  static const bool here = has_sha_ni();
  return here;
}

}  // namespace

// Neighbours of one size share a pass. In practice all are 1 MiB, but for a disk's last block.
void sha256_each(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out,
                 bool lanes) {
  assert(out.size() == buffers.size());
  for (std::size_t at = 0; at < buffers.size();) {
    std::size_t end = at + 1;
    while (lanes && end < buffers.size() && end - at < sha256_lanes &&
           buffers[end].size() == buffers[at].size()) {
      ++end;
    }
    if (end - at == 1) {
      out[at] = sha256(buffers[at]);
    } else {
      sha256_interleaved(buffers.subspan(at, end - at), out.subspan(at, end - at));
    }
    at = end;
  }
}

void sha256_each(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out) {
  sha256_each(buffers, out, use_lanes());
}

std::string_view sha256_engine() { return use_lanes() ? "sha-ni, 4 lanes" : "openssl"; }

}  // namespace flyt
