// What is peculiar to the memory driver; the rest is tests/conformance.
#include "drivers/memory/memory.hpp"

#include "base/process.hpp"
#include "base/units.hpp"
#include "drivers/all.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::memory {
namespace {

std::unique_ptr<Driver> made(const World& world, const std::filesystem::path& folder) {
  auto driver = make(world, folder);
  REQUIRE(driver);
  return std::move(*driver);
}

MachineSpec spec_of(std::uint64_t disk) {
  MachineSpec spec;
  spec.owner = {"flyt-x", 1};
  spec.name = "web01";
  spec.disks.push_back({disk});
  return spec;
}

template <typename T>
Errc code(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

}  // namespace

TEST_CASE("without a folder the world is empty, private, and goes with the driver") {
  EndpointConfig config;
  config.name = "target";
  config.driver = "memory";
  auto one = open_driver(config, {});
  auto other = open_driver(config, {});
  REQUIRE(one);
  REQUIRE(other);
  REQUIRE((*one)->create_machine(spec_of(4096), {}));
  CHECK((*one)->inventory({}, {})->machines.size() == 1);
  CHECK((*one)->inventory({}, {})->endpoint == "target");
  CHECK((*other)->inventory({}, {})->machines.empty());
}

TEST_CASE("a world outlives its driver, and a relative folder starts at the site") {
  const tests::TempDir folder;
  REQUIRE(made(empty_world("p"), folder / "w")->create_machine(spec_of(4096), {}));
  EndpointConfig config;
  config.driver = "memory";
  config.folder = folder.path();
  config.values["world"] = "w";
  auto again = open_driver(config, {});
  REQUIRE(again);
  const auto found = (*again)->inventory({}, {});
  REQUIRE(found);
  REQUIRE(found->machines.size() == 1);
  CHECK(found->machines[0].migration_id == "flyt-x");
}

TEST_CASE("a folder without a world says what belongs there") {
  const tests::TempDir folder;
  EndpointConfig config;
  config.driver = "memory";
  config.values["world"] = folder.path();
  auto opened = open_driver(config, {});
  REQUIRE(opened);
  const auto found = (*opened)->inventory({}, {});
  CHECK(code(found) == Errc::unavailable);
  CHECK(found.error().remedy.front().find("world.json") != std::string::npos);
}

TEST_CASE("a full storage refuses, takes nothing, and gets its space back") {
  const tests::TempDir folder;
  World world = empty_world("p");
  world.ground.storages.front().free_bytes = 10 * mib;
  const auto driver = made(world, folder.path());
  const auto refused = driver->create_machine(spec_of(11 * mib), {});
  CHECK(code(refused) == Errc::unavailable);
  CHECK(refused.error().what.find("no space") != std::string::npos);
  const auto free = [&] { return driver->inventory({}, {})->storages.front().free_bytes; };
  CHECK(free() == 10 * mib);
  const auto machine = driver->create_machine(spec_of(8 * mib), {});
  REQUIRE(machine);
  CHECK(free() == 2 * mib);
  REQUIRE(driver->destroy(machine->id, {"flyt-x", 1}, {}));
  CHECK(free() == 10 * mib);
}

TEST_CASE("an unreadable machine is listed with the reason and refuses all else") {
  const tests::TempDir folder;
  World world = empty_world("p");
  add_machine(world, "locked", {{4096, 1}}).unreadable = "its disk is encrypted";
  const auto driver = made(world, folder.path());
  CHECK(driver->inventory({}, {})->machines[0].unreadable == "its disk is encrypted");
  const auto view = driver->make_view({"locked", "v", {"flyt-x", 1}}, {});
  CHECK(code(view) == Errc::denied);
  CHECK(view.error().seen == "its disk is encrypted");
  CHECK(code(driver->open({"locked", "disk0", "", "", Use::read, {}}, {})) == Errc::denied);
}

TEST_CASE("a disk that is left out is named in the view and cannot be opened") {
  const tests::TempDir folder;
  World world = empty_world("p");
  add_machine(world, "db01", {{4096, 1}, {4096, 2}}).disks[1].left_out = "independent";
  const auto driver = made(world, folder.path());
  const auto view = driver->make_view({"db01", "v", {"flyt-x", 1}}, {});
  REQUIRE(view);
  CHECK(view->disks[0].left_out.empty());
  CHECK(view->disks[1].left_out == "independent");
  const auto opened = driver->open({"db01", "disk1", "v", "", Use::read, {"flyt-x", 1}}, {});
  CHECK(code(opened) == Errc::unsupported);
}

TEST_CASE("a stream gives data and holes in order and then ends") {
  const tests::TempDir folder;
  World world = empty_world("p");
  const std::uint64_t size = 3 * mib + 512;
  add_machine(world, "tape", {{size, 5, true}, {0, {}, true}});
  const auto driver = made(world, folder.path());
  auto channel = driver->open({"tape", "disk0", "", "", Use::read, {}}, {});
  REQUIRE(channel);
  CHECK((*channel)->info().uri.empty());
  std::vector<std::byte> buffer(mib);
  std::uint64_t at = 0;
  bool zero = false, data = false;
  for (;;) {
    const auto extent = (*channel)->next(buffer, {});
    REQUIRE(extent);
    if (!*extent) break;
    CHECK((*extent)->offset == at);
    at += (*extent)->length;
    ((*extent)->zero ? zero : data) = true;
  }
  CHECK(at == size);
  CHECK(zero);
  CHECK(data);
  CHECK(code((*channel)->next(std::span(buffer).first(512), {})) == Errc::invalid);
  auto nothing = driver->open({"tape", "disk1", "", "", Use::read, {}}, {});
  REQUIRE(nothing);
  CHECK_FALSE((*(*nothing)->next(buffer, {})).has_value());
}

TEST_CASE("a machine that boots shows it on the console and by its agent") {
  const tests::TempDir folder;
  World world = empty_world("p");
  add_machine(world, "web01", {});
  world.inside["web01"].boots = "web01 login: ";
  world.inside["web01"].addresses = {"10.0.0.7"};
  const auto driver = made(world, folder.path());
  CHECK(driver->observe("web01", {})->agent == false);
  REQUIRE(driver->set_power("web01", Driver::PowerChange::on, {}));
  const auto seen = driver->observe("web01", {});
  REQUIRE(seen);
  CHECK(seen->agent == true);
  const auto said = driver->console("web01", "", {});
  REQUIRE(said);
  CHECK(said->known);
  CHECK(said->anew);
  CHECK(said->text == "web01 login: ");
  CHECK_FALSE(said->more);
  const auto nothing = driver->console("web01", said->next, {});
  REQUIRE(nothing);
  CHECK_FALSE(nothing->anew);
  CHECK(nothing->text.empty());
  CHECK(seen->addresses == std::vector<std::string>{"10.0.0.7"});
}

TEST_CASE("a deaf machine stays on until it is forced off") {
  const tests::TempDir folder;
  World world = empty_world("p");
  add_machine(world, "web01", {}).power = Power::on;
  world.inside["web01"].deaf = true;
  const auto driver = made(world, folder.path());
  CHECK(code(driver->set_power("web01", Driver::PowerChange::off, {})) == Errc::timed_out);
  CHECK(driver->observe("web01", {})->power == Power::on);
  CHECK(driver->set_power("web01", Driver::PowerChange::forced_off, {}));
}

TEST_CASE("a lagging inventory does not show a new machine yet") {
  const tests::TempDir folder;
  World world = empty_world("p");
  world.habits.settle = std::chrono::hours(1);
  const auto driver = made(world, folder.path());
  const auto machine = driver->create_machine(spec_of(512), {});
  REQUIRE(machine);
  CHECK(driver->inventory({}, {})->machines.empty());
  CHECK(code(driver->inventory({machine->id, ""}, {})) == Errc::not_found);
  CHECK(driver->create_machine(spec_of(512), {})->id == machine->id);
}

TEST_CASE("a machine is not switched on while a disk of it is open") {
  if (!find_program("nbdkit")) FLYT_SKIP("nbdkit is not installed");
  const tests::TempDir folder;
  const auto driver = made(empty_world("p"), folder.path());
  const auto machine = driver->create_machine(spec_of(mib), {});
  REQUIRE(machine);
  auto channel =
      driver->open({machine->id, machine->disks[0].id, "", "", Use::write, {"flyt-x", 5}}, {});
  REQUIRE(channel);
  CHECK_FALSE(driver->set_power(machine->id, Driver::PowerChange::on, {}));
  REQUIRE((*channel)->close({}));
  CHECK(driver->set_power(machine->id, Driver::PowerChange::on, {}));
}

}  // namespace flyt::memory
