#include "movers/voids.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace flyt;
using namespace flyt::movers;

namespace {

constexpr std::uint64_t blocks = 30000;

Manifest open_in(const tests::TempDir& folder) {
  auto manifest = Manifest::open({folder / "m", blocks * block_bytes, 1, true});
  REQUIRE(manifest);
  return *std::move(manifest);
}

std::uint64_t records_in(const tests::TempDir& folder) {
  return std::filesystem::file_size(folder / "m") / record_bytes - 1;
}

}  // namespace

TEST_CASE("Voids are kept in the file, not in memory") {
  tests::TempDir folder;
  Manifest manifest = open_in(folder);
  Voids voids(manifest, 7);
  std::uint64_t most_kept = 0;
  for (std::uint64_t added = 0; added < blocks / 3; ++added) {
    REQUIRE(voids.add(3 * added, 1));
    most_kept = std::max(most_kept, added + 1 - records_in(folder));
  }
  CHECK(most_kept == append_records);
  REQUIRE(voids.finish());
  CHECK(records_in(folder) == blocks / 3);

  const Manifest again = open_in(folder);
  Manifest::Cursor cursor(again);
  std::uint64_t right = 0;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const Segment segment = cursor.at(block);
    if (block % 3 != 0) {
      right += segment.source ? 0 : 1;
    } else if (segment.source) {
      right += segment.source->kind == RecordKind::nothing && segment.source->view == 7 ? 1 : 0;
    }
  }
  CHECK(right == blocks);
}

TEST_CASE("Voids of neighbours are one record") {
  tests::TempDir folder;
  Manifest manifest = open_in(folder);
  Voids voids(manifest, conversion_view);
  REQUIRE(voids.add(5, 1));
  REQUIRE(voids.add(6, 10));
  REQUIRE(voids.add(17, 1));
  REQUIRE(voids.finish());
  REQUIRE(voids.finish());
  CHECK(records_in(folder) == 2);
}
