#include "drivers/shared/staging.hpp"

#include <sys/stat.h>

#include <fstream>

#include "base/land.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

const Owner ours{"flyt-aaaaaaaaaaaaaaaaaaaa", 1};

StagedDisk disk(std::size_t index = 0) {
  return {.what = "web01: disk 0", .owner = ours, .index = index, .size_bytes = 4096};
}

TEST_CASE("what is known of a staged disk comes back as it was kept") {
  const tests::TempDir folder;
  const Staging staging(folder.path());
  REQUIRE(staging.begin(ours, 2));
  struct stat found {};
  REQUIRE(::stat(staged_folder(folder.path(), ours.id).c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0700U);
  const auto fresh = staging.state(disk(1));
  REQUIRE(fresh);
  CHECK_FALSE(fresh->made);
  StagedState state;
  state.landed = true;
  state.stamp = "inode 7, 4096 bytes, 1.5, 1.5";
  state.notes = {{"volume", "data:9000/vm-9000-disk-1.qcow2"}, {"empty", ""}};
  REQUIRE(staging.keep(disk(1), state));
  const auto again = Staging(folder.path()).state(disk(1));
  REQUIRE(again);
  CHECK(again->landed);
  CHECK(again->stamp == state.stamp);
  CHECK(again->notes == state.notes);
  CHECK(again->note("no such").empty());
}

TEST_CASE("a staged disk that is not here is never taken for an empty one") {
  const tests::TempDir folder;
  const Staging staging(folder.path());
  const auto nowhere = staging.state(disk());
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == Errc::not_found);
  REQUIRE(staging.begin(ours, 1));
  StagedState made;
  made.made = true;
  REQUIRE(staging.keep(disk(), made));
  const auto lost = staging.state(disk());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Errc::not_found);
  CHECK_FALSE(staging.open(disk(), Use::write, {}));
  // A record that was cut is none.
  const fs::path record = staged_folder(folder.path(), ours.id) / "0.staged";
  fs::resize_file(record, fs::file_size(record) - 4);
  const auto torn = staging.state(disk());
  REQUIRE_FALSE(torn);
  CHECK(torn.error().code == Errc::corrupt);
}

TEST_CASE("what was staged before goes when it begins anew, and nobody else's does") {
  const tests::TempDir folder;
  const Staging staging(folder.path());
  const Owner other{"flyt-bbbbbbbbbbbbbbbbbbbb", 1};
  REQUIRE(staging.begin(ours, 3));
  REQUIRE(staging.begin(other, 1));
  REQUIRE(staging.begin(ours, 1));
  CHECK(staging.state(disk(0)));
  CHECK_FALSE(staging.state(disk(1)));
  REQUIRE(staging.remove(ours));
  REQUIRE(staging.remove(ours));
  CHECK_FALSE(staging.state(disk(0)));
  CHECK(staging.state({.what = {}, .owner = other}));
  CHECK_FALSE(staging.remove({}));
}

TEST_CASE("a file that is cut while it is read is told") {
  const tests::TempDir folder;
  const fs::path file = folder.path() / "image";
  std::ofstream(file) << "abc";
  CHECK(sha256_of({file, 3, {}}, {}).value_or("") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_FALSE(sha256_of({file, 4, {}}, {}));
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = sha256_of({file, 3, {}}, {stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
}

}  // namespace
}  // namespace flyt
