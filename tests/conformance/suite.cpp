#include "tests/conformance/suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/identity.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"

namespace flyt::tests {
namespace {

using std::chrono::steady_clock;

std::vector<Case> cases_for(const Subject& subject) {
  std::vector<Case> all;
  if (subject.disks_only) {
    for (const auto part : {declares_cases(), create_cases(), channel_cases(), fencing_cases(),
                            stop_cases(), destroy_cases(), land_cases(), volume_cases()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  for (const auto part :
       {declares_cases(), inventory_cases(), create_cases(), power_cases(), view_cases(),
        channel_cases(), fencing_cases(), stop_cases(), destroy_cases(), land_cases(),
        volume_cases(), enrol_cases(), fault_cases(), concurrency_cases()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::string_view expected_failure(const Subject& subject, std::string_view name) {
  for (const ExpectedFailure& one : subject.expected_to_fail) {
    if (one.what == name) return one.reason;
  }
  return {};
}

}  // namespace

Result<std::string> Platform::add_source(const std::string&, const std::vector<std::string>&) {
  return Error{Errc::unsupported, "no machines of others here"};
}

Result<std::string> Platform::add_volume(const std::string&, const std::string&,
                                         const std::string&) {
  return Error{Errc::unsupported, "no volumes of others here"};
}

Status Platform::write_source(const std::string&, std::size_t, std::uint64_t, std::string_view) {
  return Error{Errc::unsupported, "nobody else writes here"};
}

Result<std::string> Platform::read_landed(const std::string&, std::size_t) {
  return Error{Errc::unsupported, "nothing is landed here"};
}

Enrolment Platform::enrolled(const std::string&) { return {}; }

Result<std::string> Platform::add_slow_source(const std::string&) {
  return Error{Errc::unsupported, "nothing is slow here"};
}

void run_suite(const Subject& subject) {
  if (const std::string missing = subject.missing(); !missing.empty()) FLYT_SKIP(missing);
  for (const Case& one : cases_for(subject)) {
    DYNAMIC_SECTION(one.name) {
      if (const auto reason = expected_failure(subject, one.name); !reason.empty()) {
        WARN(subject.name << ": " << one.name << ": expected to fail: " << reason);
        continue;
      }
      Run run(subject);
      one.run(run);
    }
  }
}

Run::Run(const Subject& of) : subject(of) {
  FLYT_TAKE(platform, subject.make());
  driver = another();
}

bool Run::can(Capability capability) const {
  return driver->info().can.has(capability) &&
         (!subject.looks_only || capability == Capability::observe);
}

bool Run::can_all(std::initializer_list<Capability> all) const {
  return std::all_of(all.begin(), all.end(), [&](Capability one) { return can(one); });
}

std::unique_ptr<Driver> Run::another() const {
  FLYT_TAKE(auto made, platform->connect());
  return made;
}

MachineSpec Run::spec(const std::string& name, const std::vector<std::uint64_t>& disks,
                      std::uint64_t epoch) const {
  FLYT_TAKE(const Inventory ground, driver->inventory({}, {}));
  MachineSpec spec;
  spec.owner = {migration(name), epoch};
  spec.name = name;
  spec.cpus = 2;
  spec.memory_bytes = 256 * mib;
  for (const std::uint64_t size : disks) {
    DiskSpec disk;
    disk.size_bytes = size;
    disk.storage = ground.storages.empty() ? "" : ground.storages.front().name;
    disk.boots = spec.disks.empty();
    spec.disks.push_back(std::move(disk));
  }
  if (!ground.networks.empty()) {
    const auto number = std::hash<std::string>()(name);
    const std::string mac = fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", number & 0xffU,
                                        number >> 8U & 0xffU, number >> 16U & 0xffU);
    spec.nics.push_back({mac, ground.networks.front().name, {}, "virtio"});
  }
  return spec;
}

Machine Run::create(const MachineSpec& wanted) {
  FLYT_TAKE(Machine made, driver->create_machine(wanted, {}));
  return made;
}

std::vector<Machine> Run::made_by(const std::string& migration_id, std::size_t count) const {
  const auto until = steady_clock::now() + subject.settle_time;
  for (;;) {
    FLYT_TAKE(const Inventory found, driver->inventory({"", migration_id}, {}));
    if (found.machines.size() == count || steady_clock::now() >= until) return found.machines;
    (void)wait(std::chrono::milliseconds(5), {}, "settling");  // no call to stop
  }
}

std::optional<Machine> Run::source(const std::string& name, const std::vector<std::string>& disks) {
  auto id = platform->add_source(name, disks);
  if (!id && id.error().code == Errc::unsupported) return {};
  if (!id) FAIL("no source: " << told(id.error()));
  driver = another();  // it may have to look again
  return machine(*id);
}

Machine Run::machine(const std::string& id) const {
  const auto until = steady_clock::now() + subject.settle_time;
  for (;;) {
    auto found = driver->inventory({id, ""}, {});
    if (found && found->machines.size() == 1) return found->machines.front();
    if (steady_clock::now() >= until) FAIL("the inventory does not show " << id);
    (void)wait(std::chrono::milliseconds(5), {}, "settling");  // as above
  }
}

std::optional<Machine> Run::any_machine(const std::string& name,
                                        const std::vector<std::uint64_t>& disks) {
  if (can(Capability::create)) {
    Machine made = create(spec(name, disks));
    REQUIRE(made_by(made.migration_id, 1).size() == 1);
    return made;
  }
  std::vector<std::string> zeroes;
  zeroes.reserve(disks.size());
  for (const std::uint64_t size : disks) zeroes.emplace_back(size, '\0');
  return source(name, zeroes);
}

bool Run::write(const Machine& to, std::uint64_t offset, std::string_view data) {
  if (to.migration_id.empty()) {
    const Status written = platform->write_source(to.id, 0, offset, data);
    if (!written && written.error().code == Errc::unsupported) return false;
    REQUIRE(code_of(written) == "ok");
    return true;
  }
  if (!can(Capability::write)) return false;
  const OpenSpec wanted{to.id, to.disks[0].id, "", "", Use::write, {to.migration_id, 1}};
  FLYT_TAKE(const auto channel, driver->open(wanted, {}));
  REQUIRE(code_of(write_disk(*channel, offset, data)) == "ok");
  REQUIRE(code_of(channel->close({})) == "ok");
  return true;
}

std::string migration(std::string_view name) { return migration_id("site", "platform", name); }

std::string told(const Error& error) {
  return fmt::format("{}: {} ({}; {})", to_string(error.code), error.what, error.seen, error.why);
}

}  // namespace flyt::tests
