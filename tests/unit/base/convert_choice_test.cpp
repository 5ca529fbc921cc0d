#include "base/convert_choice.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

Machine machine_with(Bus bus, std::string controller, std::string nic, Guest guest) {
  Machine machine;
  machine.guest = std::move(guest);
  Disk disk;
  disk.bus = bus;
  disk.controller = std::move(controller);
  machine.disks = {disk};
  Nic card;
  card.model = std::move(nic);
  machine.nics = {card};
  return machine;
}

TEST_CASE("conversion is chosen from hardware and guest", "[convert_choice]") {
  struct Row {
    Bus bus;
    const char *controller, *nic;
    Guest guest;
    bool convert;
    const char* why;
  };
  const Guest linux_guest{GuestFamily::linux}, windows{GuestFamily::windows};
  const std::vector<Row> rows = {
      {Bus::scsi, "pvscsi", "VmxNet3", linux_guest, true, "pvscsi"},
      {Bus::virtio_scsi, "", "E1000", linux_guest, true, "E1000"},
      {Bus::virtio_blk, "", "virtio", linux_guest, false, "virtio already"},
      {Bus::scsi, "virtio-scsi", "virtio-net", windows, false, "virtio already"},
      {Bus::sata, "ahci", "e1000e", windows, true, "virtio-win"},
      {Bus::scsi, "lsilogic", "E1000", {GuestFamily::unknown, "debian12_64Guest"}, true, "Linux"},
      {Bus::scsi,
       "lsilogic",
       "E1000",
       {GuestFamily::unknown, "windows2019srv_64Guest"},
       true,
       "Windows"},
      {Bus::scsi, "lsilogic", "E1000", {GuestFamily::unknown, "otherGuest64"}, false, "not known"},
      {Bus::scsi, "lsilogic", "E1000", {GuestFamily::other, "freebsd13_64Guest"}, false, "neither"},
  };
  for (const Row& row : rows) {
    const Machine machine = machine_with(row.bus, row.controller, row.nic, row.guest);
    const ConvertChoice choice = choose_conversion(machine, Convert::automatic);
    INFO(choice.why);
    CHECK(choice.convert == row.convert);
    CHECK(choice.why.find(row.why) != std::string::npos);
    CHECK(choose_conversion(machine, Convert::virt_v2v).convert);
    CHECK_FALSE(choose_conversion(machine, Convert::none).convert);
    const ConvertChoice own = choose_conversion(machine, Convert::in_guest);
    CHECK_FALSE(own.convert);
    CHECK(own.in_guest == (choice.why.find("virtio already") == std::string::npos));
  }
}

TEST_CASE("a template takes no drivers, since nobody starts it", "[convert_choice]") {
  Machine machine = machine_with(Bus::sata, "ahci", "e1000e", {GuestFamily::windows});
  machine.is_template = true;
  const ConvertChoice choice = choose_conversion(machine, Convert::in_guest);
  CHECK_FALSE(choice.in_guest);
  CHECK(choice.why.find("never started") != std::string::npos);
}

}  // namespace
}  // namespace flyt
