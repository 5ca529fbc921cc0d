#include "drivers/memory/disk_file.hpp"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::memory {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::uint64_t allocated(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

void overwrite(const std::filesystem::path& path, std::uint64_t offset, std::string_view data) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file << data;
}

}  // namespace

TEST_CASE("a seeded disk has its size, its holes, and the same bytes every time") {
  const tests::TempDir folder;
  const std::uint64_t size = 2 * mib + 512;
  REQUIRE(make_disk_file(folder / "a/b/one", size, 7));
  REQUIRE(make_disk_file(folder / "two", size, 7));
  REQUIRE(make_disk_file(folder / "three", size, 8));
  CHECK(content(folder / "a/b/one").size() == size);
  CHECK((content(folder / "a/b/one") == content(folder / "two")));
  CHECK((content(folder / "two") != content(folder / "three")));
  CHECK(allocated(folder / "two") > 0);
  CHECK(allocated(folder / "two") < size);
  REQUIRE(make_disk_file(folder / "two", 5, 9));  // it is there already
  CHECK(content(folder / "two").size() == size);
}

TEST_CASE("a copy is equal and as sparse") {
  const tests::TempDir folder;
  REQUIRE(make_disk_file(folder / "from", 1 * tib, {}));
  overwrite(folder / "from", 4096, "near");
  overwrite(folder / "from", tib - 5, "far");
  REQUIRE(copy_disk_file(folder / "from", folder / "to"));
  CHECK(std::filesystem::file_size(folder / "to") == tib);
  CHECK(allocated(folder / "to") < mib);
  const auto file = open_disk_file(folder / "to");
  REQUIRE(file);
  std::string near(4, ' '), far(5, ' ');
  REQUIRE(read_all(*file, std::as_writable_bytes(std::span(near)), 4096));
  REQUIRE(read_all(*file, std::as_writable_bytes(std::span(far)), tib - 5));
  CHECK(near == "near");
  CHECK(far == std::string("far\0\0", 5));
}

TEST_CASE("differences are found, and only they") {
  const tests::TempDir folder;
  const std::uint64_t size = 10 * mib + 512;
  REQUIRE(make_disk_file(folder / "before", size, 3));
  REQUIRE(copy_disk_file(folder / "before", folder / "now"));
  const auto differ = [&](std::uint64_t from) {
    auto page = differences(folder / "before", folder / "now", size, from, {});
    REQUIRE(page);
    return *page;
  };
  CHECK(differ(0).empty());
  overwrite(folder / "now", 5 * mib - 1, "xy");
  overwrite(folder / "now", size - 1, "z");
  const std::uint64_t chunk = 64 * kib;
  CHECK(differ(0) == std::vector<Extent>{{5 * mib - chunk, 2 * chunk}, {10 * mib, 512}});
  CHECK(differ(5 * mib) == std::vector<Extent>{{5 * mib, chunk}, {10 * mib, 512}});
  CHECK(differ(size).empty());
}

TEST_CASE("differences come in pages, and a hole where data was is zero") {
  const tests::TempDir folder;
  const std::uint64_t chunk = 64 * kib, size = 3000 * chunk;
  REQUIRE(make_disk_file(folder / "before", size, {}));
  REQUIRE(make_disk_file(folder / "now", size, {}));
  for (std::uint64_t i = 0; i < 3000; i += 2) overwrite(folder / "before", i * chunk, "x");
  std::uint64_t from = 0, seen = 0;
  for (;;) {
    const auto page = differences(folder / "before", folder / "now", size, from, {});
    REQUIRE(page);
    if (page->empty()) break;
    for (const Extent& one : *page) {
      REQUIRE(one == Extent{2 * seen * chunk, chunk, true});
      ++seen;
    }
    from = page->back().offset + page->back().length;
  }
  CHECK(seen == 1500);
}

}  // namespace flyt::memory
