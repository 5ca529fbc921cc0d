#include "movers/merkle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace flyt::movers {

namespace {

Digest leaf(const Digest& digest) {
  std::array<std::byte, 33> text{std::byte{0}};
  std::memcpy(&text[1], digest.data(), digest.size());
  return sha256(text);
}

Digest node(const Digest& left, const Digest& right) {
  std::array<std::byte, 65> text{std::byte{1}};
  std::memcpy(&text[1], left.data(), left.size());
  std::memcpy(&text[33], right.data(), right.size());
  return sha256(text);
}

}  // namespace

void Merkle::push(Subtree tree) {
  while (!stack_.empty() && stack_.back().level == tree.level) {
    tree = {tree.level + 1, node(stack_.back().digest, tree.digest)};
    stack_.pop_back();
  }
  stack_.push_back(tree);
}

void Merkle::add(const Digest& digest, std::uint64_t count) {
  if (count == 1) {
    push({0, leaf(digest)});
    ++blocks_;
    return;
  }
  if (perfect_.empty() || repeated_ != digest) {
    repeated_ = digest;
    perfect_.assign(1, leaf(digest));
  }
  while (count > 0) {
    // The largest perfect subtree that may start here and is not more than what is left.
    unsigned level = static_cast<unsigned>(std::bit_width(count)) - 1;
    if (blocks_ != 0) {
      level = std::min(level, static_cast<unsigned>(std::countr_zero(blocks_)));
    }
    while (perfect_.size() <= level) perfect_.push_back(node(perfect_.back(), perfect_.back()));
    push({level, perfect_[level]});
    blocks_ += std::uint64_t{1} << level;
    count -= std::uint64_t{1} << level;
  }
}

Digest Merkle::root(std::uint64_t length) const {
  // Equal to the split of RFC 6962: the stack holds the largest power of two first.
  Digest top = stack_.empty() ? sha256(std::string_view{}) : stack_.back().digest;
  for (auto tree = stack_.rbegin(); tree != stack_.rend(); ++tree) {
    if (tree != stack_.rbegin()) top = node(tree->digest, top);
  }
  std::array<std::byte, 41> text{std::byte{2}};
  for (unsigned i = 0; i < 8; ++i) text[1 + i] = static_cast<std::byte>(length >> (8 * i));
  std::memcpy(&text[9], top.data(), top.size());
  return sha256(text);
}

}  // namespace flyt::movers
