#include "drivers/concerns.hpp"

#include <array>

namespace flyt {
namespace {

using enum Severity;

constexpr std::array kinds = std::to_array<ConcernKind>({
    {"L-FILESYSTEM", warning, "a folder of the host is shared with the guest",
     "It will not be there on the target. Copy into the guest what it needs of it, or "
     "share it there anew."},
    {"L-HOSTDEV", blocker, "a device of the host is passed through",
     "It is a piece of the source's hardware. Remove it from the machine, then plan "
     "again."},
    {"L-NVRAM", info, "UEFI variables do not travel",
     "Boot entries are among them. The target boots by the default path \\EFI\\BOOT, "
     "which most systems keep filled."},
    {"L-SHARED-DISK", blocker, "a disk is shared with other machines",
     "Copied with one machine it would be another disk than the others write to. Move "
     "the machines that share it together, by hand."},
    {"L-TPM", warning, "the state of its TPM does not travel",
     "What is sealed with it asks for its recovery keys on the target: have them at "
     "hand, or suspend the encryption in the guest first."},
    {"O-BLANK-DISK", info, "a disk of the package has no file",
     "The descriptor says so: it is made on the target and holds zeroes."},
    {"O-BOOT-DISK", info, "its disks hang on several kinds of controllers",
     "The package does not say which one boots; the first is taken for it. Where that "
     "is wrong, change the boot order on the target."},
    {"O-CERTIFICATE", info, "the package is signed",
     "flyt checks the digests in the manifest, not who signed it."},
    {"O-COPY", blocker, "the package is a copy of another one",
     "The same descriptor is the same machine, and two cannot share one migration. "
     "Move one of the packages elsewhere."},
    {"O-CPUS", warning, "the descriptor does not say how many processors it has",
     "The machine cannot be made without. Export it again, or state them in the "
     "descriptor."},
    {"O-DIGEST", info, "the manifest lists a digest of the disk",
     "It is checked when the disk is read; a disk that does not fit is not moved."},
    {"O-MAC", warning, "a network card has no MAC address in the descriptor",
     "It gets a new one. Where an address is bound to the old one (DHCP, licences), "
     "state it anew."},
    {"O-MANIFEST", warning, "damage to the package may not be noticed",
     "There is no manifest, or it does not list this disk in a way that flyt checks. "
     "Export the package with a SHA-256 manifest, or compare the files with the "
     "originals."},
    {"O-MEMORY", warning, "the descriptor does not say how much memory it has",
     "The machine cannot be made without. Export it again, or state it in the "
     "descriptor."},
    {"R-COUNT", blocker, "the tabs of the export contradict each other",
     "One counts other disks or network cards than another lists: the export was cut short, or "
     "the machine was changed while it was made. Export all tabs again."},
    {"R-GUEST-STORAGE", warning, "the guest has more storage than its disks",
     "File systems in it are larger than its disks together: it may reach storage by itself "
     "(iSCSI, "
     "NFS), which does not travel and has to be reached from the target too."},
    {"R-SNAPSHOT", warning, "the machine has snapshots",
     "It is moved as it is now; its snapshots stay on the source. Remove those that nobody needs: "
     "disks without them are copied faster."},
    {"R-TOOLS", warning, "VMware Tools do not run in it",
     "At cutover flyt shuts a machine down through VMware Tools, and never by force. Start them, "
     "or "
     "shut the machine down by hand before flyt apply."},
    {"V-AFFINITY", info, "a rule of its cluster says where it may run",
     "The target knows nothing of it. Make the rule anew there where it is still needed: "
     "machines that must be apart, or beside each other, or on licensed hosts."},
    {"V-BACKUP", warning, "a backup may take it",
     "An attribute, a note or a snapshot speaks of backups. A backup that runs meanwhile holds "
     "its disks and takes snapshots of its own. Pause the job until the machine has been "
     "moved, and make one on the target."},
    {"V-BOOT-DISK", info, "its disks hang on several kinds of controllers",
     "vSphere does not say which one boots; the first is taken for it. Where that is "
     "wrong, set the boot order on the source, or change it on the target."},
    {"V-CDROM", warning, "an image lies in one of its drives",
     "It is not attached on the target. Attach it there when the guest needs it."},
    {"V-CONSOLIDATE", warning, "its disks have to be consolidated",
     "A snapshot was removed and its files are still in use. The disks are read as one stream "
     "each, and what writes to them grows. Consolidate them on the source, then plan again."},
    {"V-DATASTORE", blocker, "a disk lies on a datastore that cannot be reached",
     "Nothing of it can be read. Mend the datastore, then plan again."},
    {"V-DEVICE", info, "a serial or parallel port does not travel",
     "Give the machine one on the target when the guest needs it."},
    {"V-DISK-SERIAL", info, "its disks show serial numbers to the guest",
     "disk.EnableUUID is on. The target shows others, or none: what names disks by id "
     "(/dev/disk/by-id, clusters, databases) has to be told anew."},
    {"V-ENCRYPTED", warning, "vSphere encrypts its files",
     "The copy is not encrypted: encrypt the storage of the target where that is wanted. "
     "Reading needs the privilege Cryptographer.Access (Direct Access); where vSphere refuses "
     "the export, nothing is copied."},
    {"V-FAULT-TOLERANCE", warning, "fault tolerance is on",
     "It cannot be copied while it runs: a machine with fault tolerance takes no snapshots "
     "from others. Turn it off on the source, then plan again. The target has nothing like it."},
    {"V-GUEST-OLD", warning, "its guest is too old for virtio",
     "No drivers are made for it, or not any more: Windows before 10 and Server 2016 "
     "(I-OLD-WINDOWS says which old images of virtio-win may do), Linux before 2.6.25. Try a copy "
     "first, or say convert = \"none\" and see that it runs with the controllers that the target "
     "has."},
    {"V-GUEST-SPACE", warning, "a file system of the guest is nearly full",
     "virt-v2v wants 100 MB free in / and C:, and 50 MB in /boot, or it does not convert. "
     "VMware Tools say that there is less. Make room in the guest."},
    {"V-NSX", warning, "a network is a segment of NSX",
     "Its firewall rules, groups and address translation are not in the machine and do not "
     "travel. Make them anew on the target; its traffic is open to the network there until "
     "then."},
    {"V-NVRAM", info, "UEFI variables do not travel",
     "Boot entries and Secure Boot keys are among them. The target boots by the default path, "
     "which has to hold \\EFI\\BOOT\\BOOTX64.EFI: most systems keep it filled, and only a look "
     "inside tells."},
    {"V-PASSTHROUGH", warning, "a piece of the source's hardware stays there",
     "A passed-through device is left out, and an emulated network card takes the "
     "place of one. See that the guest does without."},
    {"V-PINNED", info, "it has processors or memory of its host for itself",
     "Pinning, memory nodes and latency sensitivity are set for its host alone. Set them anew "
     "on the target where they are still needed."},
    {"V-RDM", info, "a disk is a raw mapping in virtual mode",
     "What is on the LUN is copied into a disk of the target. The LUN stays as it is."},
    {"V-SNAPSHOT-MEMORY", info, "a snapshot holds the machine's memory",
     "Neither it nor the snapshot travels: the copy starts as after a cold start."},
    {"V-SNAPSHOTS", warning, "it has snapshots of its own",
     "Only its present state is copied. Its disks are read as one stream each, and whole again "
     "at cutover. Remove on the source the snapshots that nobody needs; the others stay there."},
    {"V-TOOLS", warning, "VMware Tools do not run, or are old",
     "Where they do not run, flyt apply cannot shut the machine down at cutover, and neither "
     "its name nor its addresses are known. Start them, or shut it down from inside before "
     "flyt apply. Old ones may fail to quiesce it."},
    {"V-TRACKING", info, "change tracking is off",
     "At cutover its disks are read whole again to find what has changed, while it is shut "
     "down. track_changes = true in the site allows flyt to switch it on for the time."},
    {"V-VTPM", warning, "the package does not hold what is in its virtual TPM",
     "No export does. In the guest, suspend what the TPM unlocks (BitLocker), remove the TPM, "
     "export again. Whether it can be moved as it is, M-VTPM says."},
});

}  // namespace

std::span<const ConcernKind> driver_concern_kinds() { return kinds; }

}  // namespace flyt
