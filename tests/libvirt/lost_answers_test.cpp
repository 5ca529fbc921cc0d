// What the daemon did, and could not tell any more.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>

#include "tests/libvirt/lab_machines.hpp"
#include "tests/libvirt/relay.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

MachineSpec spec_of_both_formats() {
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  spec.disks[1].format = "qcow2";
  spec.nics = {{"52:54:00:00:00:01", "default"}};
  return spec;
}

std::size_t answers_of_a_create(LibvirtLab& lab, Relay& relay, Driver& driver) {
  REQUIRE(driver.inventory({}, in_time()));  // it is connected from now on
  const std::size_t before = relay.answers();
  const Machine made = make(driver, spec_of_both_formats());
  const std::size_t needed = relay.answers() - before;
  REQUIRE(code_of(driver.destroy(made.id, owner, in_time())) == "ok");
  REQUIRE(std::filesystem::is_empty(lab.images()));
  return needed;
}

// What `undo` does without the answer.
void remove_what_is_there(LibvirtLab& lab, Driver& driver) {
  const auto there = driver.inventory({"", owner.id}, in_time());
  REQUIRE(code_of(there) == "ok");
  const std::string id = there->machines.empty() ? "" : there->machines.front().id;
  CHECK(code_of(driver.destroy(id, owner, in_time())) == "ok");
  CHECK(std::filesystem::is_empty(lab.images()));
  CHECK(lab.virsh({"list", "--all", "--uuid"}).find('-') == std::string::npos);
}

// Exactly the machine that was asked for, whatever happened before.
void make_and_look(LibvirtLab& lab, Driver& driver) {
  const Machine made = make(driver, spec_of_both_formats());
  CHECK(made.disks.size() == 2);
  const auto after = driver.inventory({"", owner.id}, in_time());
  REQUIRE(code_of(after) == "ok");
  REQUIRE(after->machines.size() == 1);
  CHECK(after->machines[0].id == made.id);
  CHECK(after->volumes.empty());
  CHECK(files_in(lab.images()) == 2);
  std::istringstream all(lab.virsh({"list", "--all", "--uuid"}));
  CHECK(std::distance(std::istream_iterator<std::string>(all), {}) == 1);
  remove_what_is_there(lab, driver);
}

TEST_CASE("libvirt: a machine is made once, whichever answer is lost", "[libvirt]") {
  FLYT_LAB();
  const TempDir dir;
  Relay relay(lab.uri(), dir.path());
  const auto far = lab.driver({{"uri", relay.uri()}});
  const std::size_t needed = answers_of_a_create(lab, relay, *far);
  REQUIRE(needed > 5);
  for (std::size_t number = 1; number <= needed; ++number) {
    CAPTURE(number, needed);
    for (const bool again : {true, false}) {
      relay.lose_answer(number, [] {});
      CHECK(refuses(far->create_machine(spec_of_both_formats(), in_time()), Errc::unavailable));
      again ? make_and_look(lab, *far) : remove_what_is_there(lab, *far);
    }
  }
}

TEST_CASE("libvirt: a machine is made once, whenever the daemon is killed", "[libvirt]") {
  FLYT_LAB();
  const TempDir dir;
  Relay relay(lab.uri(), dir.path());
  const auto far = lab.driver({{"uri", relay.uri()}});
  const std::size_t needed = answers_of_a_create(lab, relay, *far);
  for (std::size_t number = 1; number <= needed; ++number) {
    CAPTURE(number, needed);
    for (const bool answered : {true, false}) {
      CAPTURE(answered);
      const auto kill = [&lab] { lab.kill_daemon(); };
      answered ? relay.lose_answer(number, kill) : relay.lose_request(number, kill);
      CHECK(refuses(far->create_machine(spec_of_both_formats(), in_time()), Errc::unavailable));
      lab.start_daemon();
      make_and_look(lab, *far);
    }
  }
}

TEST_CASE("libvirt: an inventory without all answers is none", "[libvirt]") {
  FLYT_LAB();
  const TempDir dir;
  Relay relay(lab.uri(), dir.path());
  const auto far = lab.driver({{"uri", relay.uri()}});
  (void)make(*far, spec_of_both_formats());
  lab.virsh({"vol-create-as", "default", "debian.iso", "1M", "--format", "raw"});
  const std::size_t before = relay.answers();
  const auto whole = far->inventory({}, in_time());
  REQUIRE(code_of(whole) == "ok");
  const std::size_t needed = relay.answers() - before;
  for (std::size_t number = 1; number <= needed; ++number) {
    CAPTURE(number, needed);
    relay.lose_answer(number, [] {});
    CHECK(refuses(far->inventory({}, in_time()), Errc::unavailable));
    const auto next = far->inventory({}, in_time());
    REQUIRE(code_of(next) == "ok");
    CHECK(next->volumes.size() == whole->volumes.size());
  }
}

TEST_CASE("libvirt: a machine is removed, whichever answer is lost", "[libvirt]") {
  FLYT_LAB();
  const TempDir dir;
  Relay relay(lab.uri(), dir.path());
  const auto far = lab.driver({{"uri", relay.uri()}});
  const Machine first = make(*far, spec_of_both_formats());
  const std::size_t before = relay.answers();
  REQUIRE(code_of(far->destroy(first.id, owner, in_time())) == "ok");
  const std::size_t needed = relay.answers() - before;
  for (std::size_t number = 1; number <= needed; ++number) {
    CAPTURE(number, needed);
    const Machine made = make(*far, spec_of_both_formats());
    relay.lose_answer(number, [] {});
    CHECK(refuses(far->destroy(made.id, owner, in_time()), Errc::unavailable));
    CHECK(code_of(far->destroy(made.id, owner, in_time())) == "ok");
    CHECK(std::filesystem::is_empty(lab.images()));
  }
}

TEST_CASE("libvirt: nobody waits for the answer to a farewell", "[libvirt]") {
  FLYT_LAB();
  const TempDir dir;
  Relay relay(lab.uri(), dir.path());
  auto far = lab.driver({{"uri", relay.uri()}});
  REQUIRE(far->inventory({}, in_time()));
  relay.keep_answers();
  far.reset();  // would not return
}

}  // namespace
}  // namespace flyt::tests
