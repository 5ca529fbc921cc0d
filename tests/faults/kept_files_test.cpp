// Files that migrations make for no machine: what is left when flyt dies between any two acts, and
// what others do to them.
#include "drivers/shared/kept_files.hpp"

#include <fstream>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"
#include "tests/faults/landing_fixture.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t odd_size = 70003;

struct Shelf {
  TempDir dir;
  KeptFiles kept{dir / "state"};

  KeptFile file(const std::string& name, const std::string& kind = "iso",
                const Owner& owner = first) const {
    KeptFile made{.owner = owner, .host = here().name, .volume = {}, .path = dir / "pool" / name};
    made.volume = {made.path, name, "pool", kind, "raw", odd_size, owner.id};
    made.bytes = odd_size;
    return made;
  }
  void make(const KeptFile& file) const {
    const Status made = kept.make(here(), file, soon());
    if (!made) FAIL(made.error().what << ": " << made.error().seen);
  }
  void write(const KeptFile& file) const {
    auto channel = kept.open(here(), file, Use::write, file.owner, soon());
    if (!channel) FAIL(channel.error().what << ": " << channel.error().seen);
    CHECK((*channel)->info().size_bytes == odd_size);
    CHECK(io(**channel, "write -P 7 0 65536") == "ok");
    CHECK((*channel)->close(soon()));
  }
  KeptFile published(const KeptFile& file) const {
    auto done = kept.publish(here(), file, file.owner, soon());
    if (!done) FAIL(done.error().what << ": " << done.error().seen);
    return *done;
  }
  bool is_there(const KeptFile& file) const {
    const auto there = kept.is_there(here(), file, soon());
    REQUIRE(there);
    return *there;
  }
  KeptFile record(const Owner& owner = first) const {
    auto found = kept.find(owner.id);
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }
  Status remove(const KeptFile& file) const {
    return kept.remove(here(), file, file.owner, soon());
  }
};

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string read(const fs::path& path) {
  auto text = read_file(path, 1 << 20);
  return text ? *text : text.error().what;
}

}  // namespace

TEST_CASE("a kept file has its name, its length and nothing else at the end", "[faults][kept]") {
  if (const auto why = missing_for_landing(); !why.empty()) FLYT_SKIP(why);
  const Shelf shelf;
  const KeptFile file = shelf.file("it's a 'tool' & more.iso");
  shelf.make(file);
  CHECK_FALSE(fs::exists(file.path));
  shelf.write(file);
  const KeptFile done = shelf.published(file);
  CHECK(read(file.path) == std::string(65536, 7) + std::string(odd_size - 65536, 0));
  CHECK_FALSE(fs::exists(file.marked()));
  CHECK(shelf.is_there(done));
  CHECK(shelf.record().stamp == done.stamp);
  CHECK(code_of(Status(shelf.kept.open(here(), done, Use::write, first, soon()).error())) ==
        "denied");
  CHECK((fs::status(file.path).permissions() & fs::perms::others_read) != fs::perms::none);
}

TEST_CASE("a disk and a backup are nobody else's to read", "[faults][kept]") {
  if (const auto why = missing_for_landing(); !why.empty()) FLYT_SKIP(why);
  const Shelf shelf;
  const KeptFile file = shelf.file("data.raw", GENERATE("disk", "backup"));
  shelf.make(file);
  CHECK(fs::status(file.marked()).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("who dies between any two acts is followed up", "[faults][kept]") {
  if (const auto why = missing_for_landing(); !why.empty()) FLYT_SKIP(why);
  const Shelf shelf;
  const KeptFile file = shelf.file("tools.iso");
  SECTION("once it is recorded") {
    REQUIRE(shelf.kept.keep(file));
    CHECK_FALSE(shelf.is_there(file));
  }
  SECTION("once it is begun") {
    REQUIRE(shelf.kept.keep(file));
    put(file.marked(), "");
    CHECK_FALSE(shelf.is_there(file));
  }
  shelf.make(file);
  shelf.write(file);
  KeptFile now = shelf.published(file);
  SECTION("once it is sealed") {
    fs::rename(file.path, file.marked());
    now = shelf.record();
  }
  SECTION("once it has both names") {
    fs::create_hard_link(file.path, file.marked());
    now = shelf.record();
  }
  CHECK(shelf.is_there(now));
  CHECK(shelf.published(now).stamp == now.stamp);
  CHECK(fs::file_size(file.path) == odd_size);
  CHECK_FALSE(fs::exists(file.marked()));
  REQUIRE(shelf.remove(now));
  REQUIRE(shelf.remove(now));
  CHECK_FALSE(fs::exists(file.path));
}

TEST_CASE("what has the name already stays", "[faults][kept]") {
  if (const auto why = missing_for_landing(); !why.empty()) FLYT_SKIP(why);
  const Shelf shelf;
  const KeptFile file = shelf.file("tools.iso");
  const bool early = GENERATE(true, false);
  if (!early) shelf.make(file);
  SECTION("a file") {
    put(file.path, "somebody's");
    if (early) CHECK(code_of(shelf.kept.make(here(), file, soon())) == "exists");
    if (!early) {
      CHECK(code_of(Status(shelf.kept.publish(here(), file, first, soon()).error())) == "exists");
    }
    CHECK(read(file.path) == "somebody's");
  }
  SECTION("a folder") {
    fs::create_directories(file.path);
    if (early) CHECK(code_of(shelf.kept.make(here(), file, soon())) == "exists");
    if (!early) {
      CHECK(code_of(Status(shelf.kept.publish(here(), file, first, soon()).error())) == "exists");
    }
    CHECK(fs::is_empty(file.path));
  }
  if (early) CHECK_FALSE(*shelf.kept.find(first.id));
}

TEST_CASE("what took its place, or was written to since, is not removed", "[faults][kept]") {
  if (const auto why = missing_for_landing(); !why.empty()) FLYT_SKIP(why);
  const Shelf shelf;
  const std::string kind = GENERATE("iso", "disk");
  const KeptFile file = shelf.file("it.raw", kind);
  shelf.make(file);
  const KeptFile done = shelf.published(file);
  SECTION("another file") {
    put(shelf.dir / "other", "somebody's");
    fs::rename(shelf.dir / "other", file.path);
    CHECK_FALSE(shelf.is_there(done));
    REQUIRE(shelf.remove(done));
    CHECK(read(file.path) == "somebody's");
  }
  SECTION("its users have written to it") {
    std::fstream(file.path, std::ios::in | std::ios::out) << "a user's";
    CHECK(shelf.is_there(done));
    CHECK(code_of(shelf.remove(done)) == (kind == "disk" ? "ok" : "denied"));
    CHECK(fs::exists(file.path) == (kind != "disk"));
  }
}

TEST_CASE("a record of what is gone blocks nobody, one of what is there does", "[faults][kept]") {
  if (const auto why = missing_for_landing(); !why.empty()) FLYT_SKIP(why);
  const Shelf shelf;
  const KeptFile ours = shelf.file("tools.iso"), theirs = shelf.file("tools.iso", "iso", other);
  shelf.make(theirs);
  CHECK(code_of(shelf.kept.make(here(), ours, soon())) == "exists");
  fs::remove(theirs.marked());
  shelf.make(ours);
  CHECK(shelf.is_there(ours));
}

}  // namespace flyt::tests
