#include "drivers/vsphere/transport.hpp"

#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

DeviceDisk flat_file() {
  DeviceDisk disk;
  disk.file = disk.base_file = "[ds] web01/web01.vmdk";
  return disk;
}

ReadPolicy with_vddk(Transport wanted = Transport::automatic) {
  ReadPolicy policy;
  policy.wanted = wanted;
  policy.vddk.libdir = "/opt/vddk";
  return policy;
}

}  // namespace

TEST_CASE("a site names its transports by words") {
  CHECK(*transport_from("auto") == Transport::automatic);
  CHECK(*transport_from("ranges") == Transport::ranges);
  CHECK(*transport_from("nfc") == Transport::lease);
  CHECK(*transport_from("vddk") == Transport::vddk);
  const auto other = transport_from("VDDK");
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::invalid);
}

TEST_CASE("VDDK is chosen for what is no flat file, where the site has it") {
  struct Row {
    const char* kind;
    bool snapshots, encrypted;
    Transport without, with;
    const char* why;
  };
  for (const Row& row : {
           Row{"VMFS", false, false, Transport::ranges, Transport::ranges, "a flat file on VMFS"},
           Row{"vsan", false, false, Transport::lease, Transport::vddk, "vsan keeps no flat files"},
           Row{"VMFS", true, false, Transport::lease, Transport::vddk, "it has snapshots"},
           Row{"NFS", false, true, Transport::lease, Transport::vddk, "its file is encrypted"},
       }) {
    INFO(row.why);
    DeviceDisk disk = flat_file();
    if (row.snapshots) disk.file = "[ds] web01/web01-000001.vmdk";
    disk.encrypted = row.encrypted;
    const TransportChoice without = choose_transport(disk, row.kind, {});
    const TransportChoice with = choose_transport(disk, row.kind, with_vddk());
    CHECK(without.transport == row.without);
    CHECK(with.transport == row.with);
    CHECK(without.why == row.why);
    CHECK(with.why == row.why);
    CHECK(with.refused.empty());
  }
}

TEST_CASE("what the site says of a transport holds for every disk that can be read") {
  for (const Transport wanted : {Transport::ranges, Transport::lease, Transport::vddk}) {
    const TransportChoice choice = choose_transport(flat_file(), "VMFS", with_vddk(wanted));
    CHECK(choice.transport == wanted);
    CHECK(choice.why == "as the site says");
    CHECK(choice.refused.empty());
    for (const DiskMode mode : {DiskMode::raw_physical, DiskMode::shared}) {
      DeviceDisk disk = flat_file();
      disk.mode = mode;
      CHECK_FALSE(choose_transport(disk, "VMFS", with_vddk(wanted)).refused.empty());
    }
  }
  CHECK_FALSE(choose_transport(flat_file(), "vsan", with_vddk(Transport::ranges)).refused.empty());
  CHECK(choose_transport(flat_file(), "vsan", with_vddk(Transport::vddk)).refused.empty());
}

TEST_CASE("a choice of transport is told in one line") {
  CHECK(described(choose_transport(flat_file(), "VMFS", {})) ==
        "HTTPS ranges (a flat file on VMFS)");
  CHECK(described(choose_transport(flat_file(), "vsan", {})) ==
        "export leases (vsan keeps no flat files)");
  CHECK(described(choose_transport(flat_file(), "vsan", with_vddk())) ==
        "VDDK (vsan keeps no flat files)");
  DeviceDisk disk = flat_file();
  disk.mode = DiskMode::raw_physical;
  CHECK(described(choose_transport(disk, "VMFS", {})).substr(0, 14) == "no transport (");
}

}  // namespace flyt::vsphere
