#include "tests/tree_root.hpp"

#include <string>

namespace flyt::tests {
namespace {

std::string text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string top(const std::vector<Digest>& leaves, std::size_t begin, std::size_t end) {
  if (begin == end) return text_of(sha256(""));
  if (end - begin == 1) {
    std::string leaf(1, '\0');
    return text_of(sha256(leaf.append(text_of(leaves[begin]))));
  }
  std::size_t split = 1;
  while (split * 2 < end - begin) split *= 2;
  return text_of(
      sha256("\x01" + top(leaves, begin, begin + split) + top(leaves, begin + split, end)));
}

}  // namespace

Digest tree_root(const std::vector<Digest>& leaves, std::uint64_t length) {
  std::string text = "\x02";
  for (int i = 0; i < 8; ++i) text += static_cast<char>(length >> (8 * i));
  return sha256(text + top(leaves, 0, leaves.size()));
}

}  // namespace flyt::tests
