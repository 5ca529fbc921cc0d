#include "movers/inspect/concerns.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace flyt {
namespace {

using enum Severity;

constexpr std::array kinds = std::to_array<ConcernKind>({
    {"I-BITLOCKER", warning, "a volume is encrypted by BitLocker",
     "On new hardware Windows asks for the recovery key, and no conversion can write drivers into "
     "the volume. Suspend BitLocker in the guest before the move, and have the key at hand."},
    {"I-CLOCK", info, "Windows takes the hardware's clock for UTC",
     "RealTimeIsUniversal is set in its registry. flyt plan --deep sees it and gives the copy a "
     "clock in UTC. A plan without --deep does so only where the source says UTC, else in local "
     "time (M-CLOCK): the copy would be wrong by its time zone."},
    {"I-CLOUD-INIT", info, "cloud-init is installed",
     "Where the target offers it a data source it may set host name, network and keys anew at the "
     "first start. Where that is not wanted: touch /etc/cloud/cloud-init.disabled in the guest."},
    {"I-DRIVER-POLICY", warning, "a group policy forbids new devices",
     "\"Device Installation Restrictions\" may keep Windows from the drivers of its new disk "
     "controller: it stops with 7B then. Lift the policy until the move is done."},
    {"I-DYNAMIC-DISK", warning, "Windows lies on a dynamic disk",
     "virt-v2v cannot convert it. Set convert = \"in-guest\", or \"none\" where the target has its "
     "controllers. "
     "Data "
     "disks may be dynamic."},
    {"I-FSTAB", warning, "the guest mounts disks by their device names",
     "/dev/sda may be /dev/vda elsewhere, and another disk. A conversion corrects the names that "
     "it "
     "knows. Write UUID=... into /etc/fstab before the move: blkid tells them."},
    {"I-HIBERNATED", warning, "Windows is hibernated",
     "By hibernation or by fast startup, which is what \"Shut down\" does since Windows 8. At its "
     "next start it goes on with what it saved on the old hardware, and no conversion can write to "
     "its volume. Start it on the source, then: powercfg /h off, and shutdown /s /f /t 0."},
    {"I-LUKS", warning, "a volume is encrypted by LUKS",
     "Nothing inside it could be looked at, and a conversion cannot see into it. It moves as it "
     "is; at the start somebody has to enter the pass phrase, or what unlocks it today (a TPM, a "
     "server in the network) must be there."},
    {"I-NIC-NAME", warning, "a network interface is configured by its name",
     "Names such as ens192 come from the slot of the old hardware. Where the interface has another "
     "name on the target, it gets no address. Match it by its MAC address, which is kept."},
    {"I-NO-FALLBACK", warning, "the UEFI boot loader has no fall-back file",
     "Boot variables do not travel, and without EFI/BOOT/BOOTX64.EFI the firmware finds no loader. "
     "In the guest: grub-install --force-extra-removable, or copy the loader to that place."},
    {"I-NO-SYSTEM", info, "no operating system was found on the disks",
     "Data disks, an unknown system, or one that is encrypted. Nothing can be told about how it "
     "will start, and a conversion would fail: set convert = \"none\"."},
    {"I-NO-VIRTIO", warning, "no kernel of the guest has virtio drivers",
     "It cannot start from a virtio disk, and a conversion has nothing to choose. Install a kernel "
     "with virtio_blk, or keep the old kind of controller with convert = \"none\"."},
    {"I-NOT-SEEN", info, "nobody has looked into this machine",
     "The reason stands beside it. A machine that runs could only be looked into through a "
     "snapshot, which flyt takes for no assessment: shut it down, or go without. Disks that are "
     "one sequence (export leases) cannot be looked into at all."},
    {"I-OLD-WINDOWS", warning, "no virtio drivers are made for this Windows any more",
     "virtio-win makes them for Windows 10 and Server 2016 onwards. Its newer images hold "
     "some for Windows 8 and Server 2012 that bear no signature which 64-bit Windows takes, "
     "and the last ones for older systems without an installer: Windows 7 and Server 2008 R2 "
     "take them once they know SHA-2 signatures (KB3033929). Try a copy first, with an older "
     "image (0.1.215 for Server 2012 R2), or say convert = \"none\"."},
    {"I-REBOOT-PENDING", warning, "Windows waits for a restart",
     "Updates or installations are half done, and would be finished on new hardware, where nobody "
     "can tell what failed by which. Restart it until nothing is left to do, then shut it down."},
    {"I-SPACE", warning, "a file system of the guest is nearly full",
     "A conversion writes a new initramfs and drivers: it wants 100 MiB in the root or on "
     "C:, 50 MiB in /boot. Make room in the guest."},
    {"I-SYSTEM", info, "what is inside the machine",
     "The operating system, and the size and free space of the file systems that it mounts; of "
     "Windows also the virtio drivers that it starts with."},
    {"I-UNCLEAN", warning, "Windows was not shut down",
     "Its volume was left as it is while Windows runs: it was switched off, or has crashed. The "
     "copy would repair that at its first start, and a conversion may not be able to write to it. "
     "Start it on the source, then shut it down: shutdown /s /f /t 0."},
});

constexpr bool by_code(const ConcernKind& a, const ConcernKind& b) { return a.code < b.code; }
static_assert(std::is_sorted(kinds.begin(), kinds.end(), by_code));

}  // namespace

std::span<const ConcernKind> inside_concern_kinds() { return kinds; }

Concern inside_concern(std::string_view code, std::string_view machine, std::string text,
                       std::string remedy) {
  return concern_of(kinds, code, machine, std::move(text), std::move(remedy));
}

}  // namespace flyt
