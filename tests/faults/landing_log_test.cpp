// Logs on a landing host, read while they are written, cut and rotated.
#include <filesystem>
#include <fstream>
#include <string>

#include "base/units.hpp"
#include "drivers/shared/landing.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

Call soon() { return Call{}.within(std::chrono::seconds(60)); }

// A log as QEMU and virtlogd write it, and who reads it.
struct Log {
  explicit Log(const tests::TempDir& dir) : path(dir / "a 'log'") {}

  void say(const std::string& text) const {
    std::ofstream(path, std::ios::binary | std::ios::app) << text;
  }
  void rotate() const {
    for (const char* step : {"12", "01"}) {
      const std::string older = path + "." + step[1];
      if (fs::exists(path + "." + step[0])) fs::rename(path + "." + step[0], older);
    }
    fs::rename(path, path + ".0");
  }
  // All pieces until there is no more, with '|' where a log begins.
  std::string read() {
    std::string all;
    for (bool more = true; more;) {
      const auto piece = landing_log(*landing_host("local"), path, after, soon());
      REQUIRE(piece);
      all += (piece->anew ? "|" : "") + piece->text;
      CHECK(piece->text.size() <= mib);
      after = piece->next;
      more = piece->more;
    }
    return all;
  }

  std::string path, after;
};

TEST_CASE("landing: a log is read without a gap", "[faults][landing]") {
  const tests::TempDir dir;
  Log log(dir);
  log.say("one ");
  CHECK(log.read() == "|one ");
  CHECK(log.read().empty());
  const std::string flood(3 * mib + 5, 'x');
  log.say("READY " + flood);
  CHECK(log.read() == "READY " + flood);

  SECTION("also over rotations") {
    log.say("two ");
    log.rotate();
    log.say("three ");
    log.rotate();
    CHECK(log.read() == "two three ");
    CHECK(log.read().empty());
    log.say("four ");
    CHECK(log.read() == "four ");
    log.rotate();
    log.say("five ");
    CHECK(log.read() == "five ");
  }
  SECTION("anew when it was cut") {
    std::ofstream(log.path, std::ios::trunc) << "two ";
    CHECK(log.read() == "|two ");
  }
  SECTION("anew when it was replaced") {
    fs::rename(log.path, log.path + ".elsewhere");
    log.say("two ");
    CHECK(log.read() == "|two ");
  }
  SECTION("at first no further back than is bearable") {
    fs::resize_file(log.path, tib);
    log.say("end");
    log.after.clear();
    const std::string all = log.read();
    CHECK(all.size() == 16 * mib + 1);
    CHECK(all.ends_with("end"));
  }
}

}  // namespace
}  // namespace flyt
