// The root over a disk's block digests, as docs/design.md defines it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/digest.hpp"

namespace flyt::movers {

// Digests are added in block order. Memory and the work for a run of equal digests grow with the
// logarithm of the number of blocks.
class Merkle {
 public:
  // `count` blocks with this digest.
  void add(const Digest& digest, std::uint64_t count = 1);
  std::uint64_t blocks() const { return blocks_; }
  // SHA-256(02 ‖ u64le length ‖ top); the top of no blocks is SHA-256 of nothing. The tree goes on.
  Digest root(std::uint64_t length) const;

 private:
  struct Subtree {  // perfect, of 2^level leaves
    unsigned level;
    Digest digest;
  };
  void push(Subtree tree);

  std::uint64_t blocks_ = 0;
  std::vector<Subtree> stack_;   // levels fall from bottom to top
  Digest repeated_{};            // the digest of the last run; what perfect_ belongs to
  std::vector<Digest> perfect_;  // by level, all leaves equal
};

}  // namespace flyt::movers
