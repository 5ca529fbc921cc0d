// A true Linux guest with VMware's controllers, put onto libvirt disk by disk and started there.
#include <algorithm>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/libvirt/libvirt_lab.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

using std::chrono::seconds;
using tests::in_time;

constexpr std::string_view ready = "GUEST-READY";
const Owner owner{"flyt-aaaaaaaaaaaaaaaaaaaa", 1};

struct Guest {
  std::string system, data;
  std::string why_not;
};

Guest build_guest(const tests::TempDir& dir) {
  const char* source = std::getenv("FLYT_SOURCE");
  Guest guest{dir / "system.raw", dir / "data.raw", ""};
  Command command{
      {std::string(source == nullptr ? "." : source) + "/tests/lab/guests/make-guest.sh",
       guest.system, "--data", guest.data, "--hostname", "moved"},
      {{"LAB_SKIP_APT", "1"}}};
  const auto done = check(command, in_time(seconds{600}));
  if (!done) guest.why_not = "no guest could be built: " + done.error().seen;
  return guest;
}

void copy_in(Driver& driver, const Machine& machine, std::size_t disk, const std::string& file) {
  auto channel =
      driver.open({machine.id, machine.disks[disk].id, "", "", Use::write, owner}, in_time());
  REQUIRE(channel);
  CHECK(check({{"nbdcopy", "--flush", file, (*channel)->info().uri}}, in_time()));
  const Status closed = (*channel)->close(in_time());
  CHECK(closed);
}

// Watches until the guest says what is waited for, or the time is over.
template <typename Holds>
Observation watch(Driver& driver, const std::string& id, Holds holds) {
  const Call call = in_time(seconds{300});
  for (;;) {
    auto seen = driver.observe(id, call);
    REQUIRE(seen);
    if (holds(*seen) || !wait(seconds{1}, call, "watching the guest")) return *seen;
  }
}

TEST_CASE("libvirt: a guest with VMware's controllers lives", "[libvirt][guest]") {
  auto& lab = tests::LibvirtLab::system();
  if (!lab.missing().empty()) FLYT_SKIP(lab.missing());
  if (!find_program("nbdcopy")) FLYT_SKIP("needs nbdcopy");
  const tests::TempDir dir;
  const Guest guest = build_guest(dir);
  if (!guest.why_not.empty()) FLYT_SKIP(guest.why_not);
  lab.clean();
  std::ofstream(dir / "net.xml") << "<network><name>lab</name><bridge name='flyt-lab'/></network>";
  lab.virsh({"net-define", dir / "net.xml"});
  lab.virsh({"net-start", "lab"});

  MachineSpec spec;
  spec.owner = owner;
  spec.name = "moved";
  spec.memory_bytes = 512U << 20;
  for (const std::string& file : {guest.system, guest.data}) {
    DiskSpec disk;
    disk.size_bytes = std::filesystem::file_size(file);
    disk.bus = Bus::scsi;
    disk.controller = "pvscsi";
    spec.disks.push_back(disk);
  }
  spec.nics = {{"52:54:00:00:00:15", "lab", {}, "VMXNET3"}};
  const auto driver = lab.driver();
  const auto machine = driver->create_machine(spec, in_time());
  REQUIRE(machine);
  copy_in(*driver, *machine, 0, guest.system);
  copy_in(*driver, *machine, 1, guest.data);

  REQUIRE(driver->set_power(machine->id, Driver::PowerChange::on, in_time()));
  std::string said, after;
  (void)watch(*driver, machine->id, [&](const Observation&) {
    const auto piece = driver->console(machine->id, after, in_time());
    REQUIRE(piece);
    said += piece->text;
    after = piece->next;
    return said.find(ready) != std::string::npos;
  });
  INFO(said);
  REQUIRE(said.find(ready) != std::string::npos);
  Observation seen =
      watch(*driver, machine->id, [](const Observation& now) { return now.agent == true; });
  CHECK(seen.agent == true);
  CHECK(seen.host_name == "moved");
  CHECK(std::count(seen.addresses.begin(), seen.addresses.end(), "10.0.2.15") == 1);

  CHECK(driver->set_power(machine->id, Driver::PowerChange::off, in_time()));  // by ACPI
  seen = *driver->observe(machine->id, in_time());
  CHECK(seen.power == Power::off);
  const auto kept = driver->console(machine->id, "", in_time());
  REQUIRE(kept);
  CHECK(kept->text.find(ready) != std::string::npos);  // while it is off
  CHECK(driver->destroy(machine->id, owner, in_time()));
  CHECK(std::filesystem::is_empty(lab.images()));
  lab.virsh({"net-destroy", "lab"});
  lab.virsh({"net-undefine", "lab"});
}

}  // namespace
}  // namespace flyt
