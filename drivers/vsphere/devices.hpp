// The virtual hardware of a machine: its disks with what is known of their files, its network
// cards, and what of it will not travel.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "drivers/vsphere/soap.hpp"

namespace flyt::vsphere {

// How a disk takes part in snapshots and sharing.
enum class DiskMode : std::uint8_t { ordinary, independent, raw_physical, raw_virtual, shared };

struct DeviceDisk {
  std::string key;        // the device's, stable while the machine has the disk
  std::string label;      // "Hard disk 1"
  std::string file;       // "[datastore] web01/web01.vmdk": what it writes to now
  std::string base_file;  // the same without snapshots; the same file where there are none
  std::string uuid;
  std::string change_id;  // where the machine's changes are tracked; empty: they are not
  Ref datastore;
  std::uint64_t size_bytes = 0;
  Bus bus = Bus::unknown;
  std::string controller;  // "pvscsi"
  std::string place;       // "ParaVirtualSCSIController0:1": type, bus and unit; empty: unknown
  bool thin = false, encrypted = false;
  std::uint64_t snapshots = 0;  // links of its chain above the base
  DiskMode mode = DiskMode::ordinary;
};

struct DeviceNic {
  Nic nic;            // without the network's name
  Ref network;        // of a standard port group; or
  std::string key;    // of a distributed or an opaque one
  std::string named;  // as the device itself says it
};

struct Devices {
  std::vector<DeviceDisk> disks;  // in the order in which the firmware meets them
  std::string boots;              // key of the disk that boots; empty: it has none
  std::vector<DeviceNic> nics;
  std::vector<Device> others;
  bool tpm = false;
  std::vector<Concern> concerns;  // without the machine's name
};

// `hardware`: config.hardware of a machine or of a snapshot; `boot`: its config.bootOptions, may be
// null.
Devices devices_of(pugi::xml_node hardware, pugi::xml_node boot);

// Why a snapshot does not hold the disk; empty: it does.
std::string left_out_of_views(const DeviceDisk& disk);

struct DatastorePath {
  std::string datastore, path;  // "[ds two] web01/web01.vmdk" is {"ds two", "web01/web01.vmdk"}
};
// Errc::corrupt: it is not written so.
Result<DatastorePath> parse_datastore_path(const std::string& text);

}  // namespace flyt::vsphere
