#include "base/durable_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("a durable file replaces the old one and leaves nothing beside", "[durable_file]") {
  const tests::TempDir dir;
  REQUIRE(write_durably(dir / "plan.json", "old"));
  const std::string content(300000, 'x');
  REQUIRE(write_durably(dir / "plan.json", content, 0600));
  CHECK(read_file(dir / "plan.json", 1 << 20) == content);
  CHECK(mode_of(dir / "plan.json") == 0600);
  CHECK(entries(dir.path()) == 1);
}

TEST_CASE("a durable file that cannot be written leaves all as it was", "[durable_file]") {
  const tests::TempDir dir;
  const auto nowhere = write_durably(dir / "no" / "plan.json", "x");
  CHECK(nowhere.error().code == Errc::not_found);
  CHECK(nowhere.error().what ==
        "cannot create " + (dir / "no" / "plan.json").native() + ": No such file or directory");
  REQUIRE(fs::create_directory(dir / "taken"));
  CHECK_FALSE(write_durably(dir / "taken", "x"));
  CHECK(entries(dir.path()) == 1);
  CHECK(write_durably("", "x").error().code == Errc::invalid);
}

TEST_CASE("a file is read up to a limit", "[durable_file]") {
  const tests::TempDir dir;
  REQUIRE(write_durably(dir / "f", "12345"));
  CHECK(read_file(dir / "f", 5) == std::string("12345"));
  CHECK(read_file(dir / "f", 4).error().code == Errc::invalid);
  CHECK(read_file(dir / "g", 4).error().code == Errc::not_found);
  CHECK_FALSE(read_file(dir.path(), 4));
}

TEST_CASE("a private folder is ours alone or refused", "[durable_file]") {
  const tests::TempDir dir;
  REQUIRE(make_private_folder(dir / "a" / "b"));
  CHECK(mode_of(dir / "a" / "b") == 0700);
  CHECK(make_private_folder(dir / "a" / "b"));
  CHECK(make_private_folder(dir / "a" / "b/"));
  REQUIRE(::chmod((dir / "a" / "b").c_str(), 0750) == 0);
  const Status open = make_private_folder(dir / "a" / "b");
  REQUIRE_FALSE(open);
  CHECK(open.error().code == Errc::denied);
  CHECK(open.error().remedy.at(0).find("chmod 700") == 0);
  fs::create_directory_symlink(dir / "a", dir / "link");
  CHECK(make_private_folder(dir / "link").error().code == Errc::denied);
  REQUIRE(write_durably(dir / "file", ""));
  CHECK(make_private_folder(dir / "file").error().code == Errc::denied);
}

TEST_CASE("a private folder is removed with what is in it", "[durable_file]") {
  fs::path path;
  {
    const PrivateFolder folder = PrivateFolder::make("flyt-test").value();
    path = folder.path();
    CHECK(mode_of(path) == 0700);
    CHECK(path.native().size() < 80);
    std::ofstream(path / "s") << "x";
    PrivateFolder moved = PrivateFolder::make("flyt-test").value();
    const PrivateFolder taken = std::move(moved);
    CHECK(fs::exists(taken.path()));
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("what a killed process left is removed by the next", "[durable_file]") {
  const PrivateFolder used = PrivateFolder::make("flyt-swept").value();
  const auto leave = [&used](const std::string& name) {
    fs::path left = used.path().parent_path() / ("flyt-swept-" + name);
    fs::create_directory(left);
    REQUIRE(::chmod(left.c_str(), 0700) == 0);
    std::ofstream(left / "lock") << "";
    return left;
  };
  const fs::path old = leave("old"), young = leave("young");
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::minutes(2);
  fs::last_write_time(old, long_ago);
  fs::last_write_time(used.path(), long_ago);
  const PrivateFolder next = PrivateFolder::make("flyt-swept").value();
  CHECK_FALSE(fs::exists(old));
  CHECK(fs::exists(young));
  CHECK(fs::exists(used.path()));
  fs::remove_all(young);
}

TEST_CASE("the system's errors are classified", "[durable_file]") {
  CHECK(system_error("open", ENOENT).code == Errc::not_found);
  CHECK(system_error("open", EACCES).code == Errc::denied);
  CHECK(system_error("open", EPERM).code == Errc::denied);
  CHECK(system_error("open", EEXIST).code == Errc::exists);
  CHECK(system_error("write", ENOSPC).code == Errc::unavailable);
  CHECK_FALSE(system_error("write", ENOSPC).remedy.empty());
  CHECK(system_error("write", EIO).code == Errc::unavailable);
  CHECK(system_error("open x", ENOENT).what == "open x: No such file or directory");
}

TEST_CASE("a file descriptor is closed once, by its owner", "[durable_file]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  FileDescriptor read(ends[0]);
  {
    FileDescriptor write(ends[1]);
    const FileDescriptor moved = std::move(write);
    CHECK(moved.get() == ends[1]);
  }
  char byte = 0;
  CHECK(::read(read.get(), &byte, 1) == 0);  // the other end is closed
}

}  // namespace
}  // namespace flyt
