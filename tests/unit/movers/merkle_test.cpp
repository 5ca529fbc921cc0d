#include "movers/merkle.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "movers/block.hpp"
#include "tests/catch.hpp"
#include "tests/tree_root.hpp"

using flyt::Digest;
using flyt::sha256;
using flyt::movers::Merkle;
using flyt::tests::tree_root;

namespace {

Digest numbered(int number) { return sha256("block " + std::to_string(number)); }

}  // namespace

TEST_CASE("The root is that of RFC 6962's tree for every small number of blocks") {
  std::vector<Digest> leaves;
  Merkle tree;
  for (int count = 0; count < 70; ++count) {
    CHECK(tree.root(1000) == tree_root(leaves, 1000));
    leaves.push_back(numbered(count));
    tree.add(leaves.back());
  }
}

TEST_CASE("The root depends on the length") {
  Merkle tree;
  tree.add(numbered(1));
  CHECK(tree.root(5) != tree.root(6));
}

TEST_CASE("Runs of equal blocks give the root of the single blocks") {
  std::vector<Digest> leaves;
  Merkle tree;
  for (const int count : {1, 3, 64, 7, 1, 129, 2, 1000}) {
    leaves.insert(leaves.end(), count, numbered(0));
    tree.add(numbered(0), count);
    leaves.push_back(numbered(count));
    tree.add(leaves.back());
    CHECK(tree.root(7) == tree_root(leaves, 7));
  }
  CHECK(tree.blocks() == leaves.size());
}

TEST_CASE("A run of a different digest does not use what was kept of the last") {
  Merkle tree, single;
  for (const int number : {1, 2, 1}) {
    tree.add(numbered(number), 6);
    for (int i = 0; i < 6; ++i) single.add(numbered(number));
  }
  CHECK(tree.root(1) == single.root(1));
}

TEST_CASE("The digests of zero blocks are those of zero bytes") {
  using namespace flyt::movers;
  CHECK(zero_digest(flyt::block_bytes) == sha256(std::string(flyt::block_bytes, '\0')));
  CHECK(zero_digest(511) == sha256(std::string(511, '\0')));
  CHECK(is_zero(zero_block()));
  CHECK(is_zero({}));
  std::vector<std::byte> data(100);
  for (std::size_t at = 0; at < data.size(); ++at) {
    data[at] = std::byte{1};
    CHECK_FALSE(is_zero(data));
    data[at] = std::byte{0};
  }
}
