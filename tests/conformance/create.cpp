#include <algorithm>

#include "base/dns_name.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

std::uint64_t rounded(const Run& run, std::uint64_t size) {
  const std::uint64_t step = run.subject.size_step;
  return (size + step - 1) / step * step;
}

void check_as_asked(const Run& run, const Machine& made, const MachineSpec& spec) {
  CHECK(made.name == spec.name);
  CHECK(made.migration_id == spec.owner.id);
  CHECK(made.power == Power::off);
  CHECK(made.cpus == spec.cpus);
  CHECK(made.memory_bytes == spec.memory_bytes);
  CHECK(made.firmware.kind == spec.firmware);
  CHECK_FALSE(made.id.empty());
  CHECK_FALSE(made.uuid.empty());
  REQUIRE(made.disks.size() == spec.disks.size());
  for (std::size_t i = 0; i < spec.disks.size(); ++i) {
    CHECK(made.disks[i].size_bytes == rounded(run, spec.disks[i].size_bytes));
  }
  REQUIRE(made.nics.size() == spec.nics.size());
  for (std::size_t i = 0; i < spec.nics.size(); ++i) {
    CHECK(made.nics[i].mac == spec.nics[i].mac);
    CHECK(made.nics[i].network == spec.nics[i].network);
  }
}

void reads_back_as_asked(Run& run) {
  if (!run.can(Capability::create)) return;
  MachineSpec spec = run.spec("web01", {4 * mib, mib + 512});
  spec.uuid = "6e8bc430-9c3a-11d9-9669-0800200c9a66";
  check_as_asked(run, run.create(spec), spec);
  const auto found = run.made_by(spec.owner.id, 1);
  REQUIRE(found.size() == 1);
  check_as_asked(run, found.front(), spec);
  CHECK(found.front().uuid == spec.uuid);
}

void creates_once(Run& run) {
  if (!run.can(Capability::create)) return;
  const MachineSpec spec = run.spec("web01", {mib});
  const Machine first = run.create(spec);
  FLYT_TAKE(const Machine second, run.another()->create_machine(spec, {}));
  CHECK(second.id == first.id);
  CHECK(second.uuid == first.uuid);
  CHECK(run.made_by(spec.owner.id, 1).size() == 1);
}

void respects_names(Run& run) {
  if (!run.can(Capability::create)) return;
  const Machine first = run.create(run.spec("web01", {mib}));
  MachineSpec other = run.spec("other", {mib});
  other.name = "web01";
  CHECK(code_of(run.driver->create_machine(other, {})) == "exists");
  CHECK(run.made_by(other.owner.id, 0).empty());
  CHECK(run.made_by(migration("web01"), 1).size() == 1);
}

void takes_any_name(Run& run) {
  if (!run.can(Capability::create)) return;
  FLYT_TAKE(const Inventory ground, run.driver->inventory({}, {}));
  CHECK(ground.dns_names == run.subject.dns_names);
  for (const std::string name :
       {"ren og skær", "a/b", "../up", "Größe 1 ☂", "-o", "'\"<&>", "a.b-1"}) {
    INFO(name);
    const MachineSpec spec = run.spec(name, {mib});
    if (name.find_first_of(run.subject.refused_in_names) != std::string::npos ||
        (run.subject.dns_names && !is_dns_name(name))) {
      CHECK(code_of(run.driver->create_machine(spec, {})) == "invalid");
      CHECK(run.made_by(spec.owner.id, 0).empty());
      continue;
    }
    CHECK(run.create(spec).name == name);
    const auto found = run.made_by(spec.owner.id, 1);
    REQUIRE(found.size() == 1);
    CHECK(found.front().name == name);
  }
}

void takes_odd_disks(Run& run) {
  if (!run.can(Capability::create)) return;
  std::vector<std::vector<std::uint64_t>> shapes = {{}, {1}, {mib + 1, 512}};
  if (run.subject.empty_disks) shapes.push_back({0});
  if (!run.subject.small_data) shapes.push_back({3 * tib});
  for (const auto& sizes : shapes) {
    const MachineSpec spec = run.spec("odd-" + std::to_string(&sizes - shapes.data()), sizes);
    INFO(spec.name);
    run.create(spec);
    const auto found = run.made_by(spec.owner.id, 1);
    REQUIRE(found.size() == 1);
    check_as_asked(run, found.front(), spec);
  }
}

void refuses_unknown_ground(Run& run) {
  if (!run.can(Capability::create)) return;
  MachineSpec network = run.spec("web01", {mib});
  network.nics = {{"52:54:00:00:00:01", "no such network", {}, "virtio"}};
  CHECK(code_of(run.driver->create_machine(network, {})) == "not_found");
  MachineSpec storage = run.spec("web01", {mib});
  storage.disks.front().storage = "no such storage";
  CHECK(code_of(run.driver->create_machine(storage, {})) == "not_found");
  CHECK(run.made_by(network.owner.id, 0).empty());
}

void updates(Run& run) {
  if (!run.can_all({Capability::create, Capability::update})) return;
  MachineSpec spec = run.spec("web01", {mib});
  const Machine made = run.create(spec);
  spec.cpus = 3;
  spec.memory_bytes = 384 * mib;
  FLYT_TAKE(const Machine changed, run.driver->update_machine(made.id, spec, {}));
  CHECK(changed.id == made.id);
  check_as_asked(run, changed, spec);
  const auto found = run.made_by(spec.owner.id, 1);
  REQUIRE(found.size() == 1);
  check_as_asked(run, found.front(), spec);
  CHECK(found.front().disks.front().id == made.disks.front().id);
}

void updates_only_its_own(Run& run) {
  if (!run.can_all({Capability::create, Capability::update})) return;
  MachineSpec spec = run.spec("web01", {mib});
  const Machine made = run.create(spec);
  MachineSpec stranger = spec;
  stranger.owner = {migration("stranger"), 9};
  stranger.cpus = 4;
  CHECK(code_of(run.driver->update_machine(made.id, stranger, {})) == "denied");
  MachineSpec wider = spec;
  wider.disks.push_back(wider.disks.front());
  CHECK(code_of(run.driver->update_machine(made.id, wider, {})) == "invalid");
  check_as_asked(run, run.machine(made.id), spec);
}

// What run.write() has put at 512 of its first disk is there.
void check_words(Run& run, const Machine& made) {
  const OpenSpec wanted{
      made.id, run.machine(made.id).disks[0].id, "", "", Use::read, {made.migration_id, 1}};
  FLYT_TAKE(const auto disk, run.driver->open(wanted, {}));
  CHECK(read_disk(*disk, 512, 5).value_or("") == "words");
  CHECK(code_of(disk->close({})) == "ok");
}

void grows_disks_or_says_so(Run& run) {
  if (!run.can_all({Capability::create, Capability::update})) return;
  MachineSpec spec = run.spec("web01", {mib, mib});
  const Machine made = run.create(spec);
  const bool written = run.write(made, 512, "words");
  const auto size_of = [&](std::size_t disk) {
    return run.machine(made.id).disks.at(disk).size_bytes;
  };
  MachineSpec larger = spec;
  larger.disks[1].size_bytes = 3 * mib + 512;
  const auto changed = run.driver->update_machine(made.id, larger, {});
  CHECK(bool(changed) == run.can(Capability::grow));
  CHECK(size_of(0) == rounded(run, mib));
  if (changed) {
    CHECK(changed->disks.at(1).size_bytes == rounded(run, 3 * mib + 512));
    CHECK(size_of(1) == rounded(run, 3 * mib + 512));
    CHECK(code_of(run.driver->update_machine(made.id, larger, {})) == "ok");
    // None gets smaller, not even one that flyt has grown.
    (void)run.driver->update_machine(made.id, spec, {});
    CHECK(size_of(1) == rounded(run, 3 * mib + 512));
  } else {
    CHECK(code_of(changed) == "invalid");
    CHECK(size_of(1) == rounded(run, mib));
  }
  if (written) check_words(run, made);
}

void starts_first_on_sata(Run& run) {
  if (!run.can_all({Capability::create, Capability::update, Capability::introduce})) return;
  MachineSpec spec = run.spec("web01", {mib, mib});
  for (DiskSpec& disk : spec.disks) disk.bus = Bus::virtio_scsi;
  const Machine made = run.create(spec);
  const bool written = run.write(made, 512, "words");
  MachineSpec first = spec;
  first.first_start = true;
  first.plugged = false;
  const auto buses = [&] {
    std::vector<Bus> all;
    for (const Disk& disk : run.machine(made.id).disks) all.push_back(disk.bus);
    return all;
  };
  for (int i = 0; i < 2; ++i) {  // once more changes nothing
    FLYT_TAKE(const Machine before, run.driver->update_machine(made.id, first, {}));
    CHECK(before.disks.size() == 2);
    CHECK(buses() == std::vector{Bus::sata, Bus::sata});
  }
  for (int i = 0; i < 2; ++i) {
    FLYT_TAKE(const Machine after, run.driver->update_machine(made.id, spec, {}));
    CHECK(after.disks.size() == 2);
    CHECK(buses() == std::vector{Bus::virtio_scsi, Bus::virtio_scsi});
  }
  if (written) check_words(run, made);
}

MachineSpec uefi(const Run& run, const std::string& name) {
  MachineSpec spec = run.spec(name, {mib});
  spec.firmware = FirmwareKind::uefi;
  return spec;
}

void secures_the_start_or_says_so(Run& run) {
  if (!run.can(Capability::create)) return;
  FLYT_TAKE(const Inventory ground, run.driver->inventory({}, {}));
  CHECK(run.create(uefi(run, "plain")).firmware.secure_boot == false);
  MachineSpec spec = uefi(run, "web01");
  spec.secure_boot = true;
  const auto made = run.driver->create_machine(spec, {});
  CHECK(code_of(made) == (ground.secure_boot ? "ok" : "unsupported"));
  const auto found = run.made_by(spec.owner.id, ground.secure_boot ? 1 : 0);
  CHECK(found.empty() == !ground.secure_boot);
  for (const Machine& machine : found) CHECK(machine.firmware.secure_boot == true);
}

void makes_tpms_or_says_so(Run& run) {
  if (!run.can(Capability::create)) return;
  FLYT_TAKE(const Inventory ground, run.driver->inventory({}, {}));
  CHECK_FALSE(run.create(uefi(run, "plain")).firmware.tpm.value_or(false));
  MachineSpec spec = uefi(run, "web01");
  spec.tpm = true;
  const auto made = run.driver->create_machine(spec, {});
  CHECK(code_of(made) == (ground.new_tpm ? "ok" : "unsupported"));
  if (!made) {
    CHECK(run.made_by(spec.owner.id, 0).empty());
    return;
  }
  CHECK(made->disks.size() == 1);  // what it keeps is no disk of the machine
  if (run.can(Capability::update)) {
    CHECK(code_of(run.driver->update_machine(made->id, spec, {})) == "ok");
  }
  const auto found = run.made_by(spec.owner.id, 1);
  REQUIRE(found.size() == 1);
  CHECK(found.front().firmware.tpm == true);
  CHECK(found.front().disks.size() == 1);
  if (!run.can(Capability::destroy)) return;
  CHECK(code_of(run.driver->destroy(made->id, spec.owner, {})) == "ok");
  FLYT_TAKE(const Inventory after, run.driver->inventory({}, {}));
  CHECK(after.volumes.size() == ground.volumes.size());
}

const Case cases[] = {
    {"creates powered off, and reads back as asked", reads_back_as_asked},
    {"creating again gives the same machine", creates_once},
    {"a name that is taken is exists, and nothing is made", respects_names},
    {"takes names with spaces, slashes and any letters", takes_any_name},
    {"takes machines without disks, with tiny and with huge ones", takes_odd_disks},
    {"refuses networks and storages that are not there", refuses_unknown_ground},
    {"changes a machine and keeps its disks", updates},
    {"changes only what this migration made, and no disk's number", updates_only_its_own},
    {"puts disks on SATA for a first start, and back", starts_first_on_sata},
    {"makes machines that start by Secure Boot, or says that it cannot",
     secures_the_start_or_says_so},
    {"makes machines with a TPM of their own, or says that it cannot", makes_tpms_or_says_so},
    {"enlarges a disk or refuses to, and makes none smaller", grows_disks_or_says_so},
};

}  // namespace

std::span<const Case> create_cases() { return cases; }

}  // namespace flyt::tests
