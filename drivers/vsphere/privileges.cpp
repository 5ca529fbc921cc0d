#include "drivers/vsphere/privileges.hpp"

#include <array>

namespace flyt::vsphere {

std::span<const Privilege> privileges() {
  static constexpr std::array all{
      Privilege{"System.Anonymous", Purpose::look, On::root},
      Privilege{"System.View", Purpose::look, On::root},
      Privilege{"System.Read", Purpose::look, On::root},
      Privilege{"Sessions.ValidateSession", Purpose::ranges, On::root},
      Privilege{"Datastore.Browse", Purpose::ranges, On::datastore},
      Privilege{"Datastore.FileManagement", Purpose::ranges, On::datastore},
      Privilege{"VirtualMachine.Provisioning.DiskRandomRead", Purpose::ranges, On::machine},
      Privilege{"VirtualMachine.Provisioning.GetVmFiles", Purpose::ranges, On::machine},
      Privilege{"VApp.Export", Purpose::lease, On::machine},
      Privilege{"VirtualMachine.State.CreateSnapshot", Purpose::views, On::machine},
      Privilege{"VirtualMachine.State.RemoveSnapshot", Purpose::views, On::machine},
      Privilege{"VirtualMachine.Config.ChangeTracking", Purpose::tracking, On::machine},
      Privilege{"VirtualMachine.Interact.PowerOff", Purpose::cutover, On::machine},
      Privilege{"VirtualMachine.Interact.PowerOn", Purpose::cutover, On::machine},
  };
  return all;
}

std::span<const PurposeInfo> purposes() {
  static constexpr std::array all{
      PurposeInfo{Purpose::look, "look", "see everything",
                  "what it does not see is in no inventory", true},
      PurposeInfo{Purpose::ranges, "read, ranges or VDDK", "read disks in ranges or by VDDK",
                  "these disks cannot be copied so (transport = \"nfc\" needs other privileges)",
                  true},
      PurposeInfo{Purpose::lease, "read, export lease", "export machines",
                  "these disks cannot be copied", true},
      PurposeInfo{Purpose::views, "snapshots", "take and remove snapshots",
                  "these machines must be off while they are copied"},
      PurposeInfo{Purpose::tracking, "change tracking", "switch change tracking on",
                  "where it is off, the last sync reads these machines whole again"},
      PurposeInfo{Purpose::cutover, "cutover", "switch machines off and on",
                  "these must be shut down by hand, and started by hand after a rollback"},
  };
  return all;
}

}  // namespace flyt::vsphere
