#include "planners/concerns.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "planners/planner.hpp"

namespace flyt {
namespace {

using enum Severity;

constexpr std::array kinds = std::to_array<ConcernKind>({
    {"M-ADDRESS", info, "no address of a network card is known",
     "Whether it has a fixed one cannot be seen from outside. Note the guest's addresses before "
     "flyt apply: a fixed one must fit the network on the target."},
    {"M-CLOCK", info, "the clock of Windows is taken for local time",
     "Windows keeps local time in the hardware's clock, unless RealTimeIsUniversal is set in its "
     "registry, which only a look inside tells: flyt plan --deep, while it is off. Where it is set "
     "and nobody has looked, the guest is wrong by its time zone until it asks a time server."},
    {"M-DISK-ODD-SIZE", info, "the size of a disk is no whole number of MiB",
     "The target may make it larger. A partition table that keeps a copy of itself at the end of "
     "the disk is then mended by the guest's own tools."},
    {"M-DISK-SIZE", blocker, "the size of a disk is not known, or cannot be true",
     "A disk of size 0, of unknown size or of 8 PiB and more cannot be made on the target. Look at "
     "the disk on the source; remove it there when it is empty."},
    {"M-DISK-UNREADABLE", blocker, "a disk cannot be read",
     "The driver says why: a raw mapping, an independent or shared disk, a format it does not "
     "know. Turn the disk into an ordinary one on the source, or detach it and move its data "
     "in another way."},
    {"M-FIRMWARE", warning, "it is not known whether the machine boots by BIOS or UEFI",
     "It will be made with BIOS. Where that is wrong the machine does not boot, and no data is "
     "lost: set the firmware on the source and plan again."},
    {"M-HOT-ADD", info, "processors or memory can be added while the machine runs",
     "On the target it has to be shut down for that."},
    {"M-IN-GUEST", warning, "the guest is started twice, to take its drivers itself",
     "On SATA first, beside an empty virtio controller and unplugged from its networks; then it is "
     "shut down, and started on virtio. Install virtio-win in it before, on the source: drivers "
     "and "
     "guest agent. Where the agent does not answer at the first start its disks stay on SATA. Its "
     "network cards are new to it: fixed addresses must be set anew. No Windows was at hand to try "
     "it with: rehearse with a copy of it."},
    {"M-MANY-DISKS", info, "the machine has more than 20 disks",
     "They are attached through virtio-scsi, since a PCI slot for each would run out."},
    {"M-NAME", blocker, "the machine has no name",
     "There would be nothing to call it on the target. Name it on the source."},
    {"M-NIC-MAC", warning, "a network card's MAC address is not known",
     "The target gives it a new one. Reservations, licences and udev rules that know the old one "
     "will not."},
    {"M-NO-DISK", warning, "the machine has no disk",
     "It is made on the target as it is. There are no bytes to prove."},
    {"M-NOT-CONVERTED", warning, "the guest is not made ready for the target's devices",
     "Its disk controllers and network cards stay of the kind that the source had, where the "
     "target has them. Say convert = \"virt-v2v\" to convert it all the same."},
    {"M-POWER", blocker, "the machine runs, and the source cannot copy running machines",
     "Shut it down on the source, then plan again. Nothing is copied from disks in use."},
    {"M-POWER-UNKNOWN", warning, "it is not known whether the machine is off",
     "Make sure that it is off before flyt apply: a disk that changes while it is copied is found "
     "by the proof of the bytes, after the time it took."},
    {"M-RESERVED", info, "processors or memory are reserved for the machine",
     "The copy has no reservation. See that the target is not filled beyond what it can give."},
    {"M-RUNNING", warning, "the machine runs while it is copied",
     "It is copied while it runs. Then flyt apply shuts it down, copies what it wrote meanwhile, "
     "and starts the copy; where that fails before the start, it is switched on again. flyt apply "
     "--until copied goes no further than copying."},
    {"M-SECURE-BOOT", warning, "Secure Boot will be off on the target",
     "The target has no firmware with keys for it, the machine no disk beside which they could be "
     "kept, or the site says secure_boot = false. Switch it on again after the machine is proven."},
    {"M-SECURE-BOOT-DRIVERS", warning, "Windows gets new drivers, and Secure Boot will be on",
     "It loads drivers that Microsoft has signed, and no others; some images of virtio-win hold "
     "such as bear another signature. Take one whose drivers are signed by Microsoft. Where the "
     "copy stops at its start and names a driver (0xc0000428), say secure_boot = false for it."},
    {"M-SECURE-BOOT-KEYS", info, "Secure Boot will be on, with Microsoft's keys and no others",
     "They start Windows, and Linux by the shim of its distribution. Keys that were enrolled on "
     "the source do not travel: neither a platform key and db of your own, nor what shim keeps "
     "for kernels and modules of your own (MOK). Boot variables do not either: the copy starts by "
     "the fall-back path \\EFI\\BOOT. What is signed otherwise does not start or is not loaded: "
     "enrol its keys on the target, or say secure_boot = false for the machine."},
    {"M-SIZE-UNKNOWN", blocker,
     "the number of CPUs or the memory size is not known, or cannot be true",
     "The machine cannot be made without. The driver could not tell: look at the machine on the "
     "source."},
    {"M-SUSPENDED", blocker, "the machine is suspended",
     "What its memory holds does not travel. Resume it, shut it down, then plan again."},
    {"M-TEMPLATE", info, "this is a template",
     "It is moved because its name was said. It is never started, neither there nor here: that its "
     "copy boots is seen on the first machine that is made of it."},
    {"M-TPM-NEW", warning, "the copy gets a new, empty TPM",
     "The site says tpm = \"new\". What is sealed in the old one stays there, and the source keeps "
     "it for a way back. BitLocker asks for its recovery key at the first start: have it at hand, "
     "or suspend BitLocker in the guest before the cutover (Suspend-BitLocker -RebootCount 0, "
     "since "
     "the copy may restart more than once) and resume it after. Keys and certificates that were "
     "made in the TPM (Windows Hello, device certificates) have to be made anew."},
    {"M-UNREADABLE", blocker, "the machine could not be read",
     "The driver's reason stands beside it. Until it can be read nothing is known that a plan "
     "could be built on."},
    {"M-UPTIME", warning, "the machine has not been restarted for a year",
     "At cutover it starts anew, for the first time since. Restart it on the source before: what "
     "does not come up there is no fault of the move."},
    {"M-UUID", blocker, "the machine has no identity of its own",
     "Without a uuid, or with one that another machine has too, a later run could not tell whose "
     "disks it goes on with. Give it one on the source."},
    {"M-VTPM", blocker, "the machine has a virtual TPM",
     "What is sealed in it cannot leave its platform; BitLocker and the like would ask for their "
     "recovery keys. Suspend the encryption in the guest, remove the TPM, plan again. Or, with the "
     "recovery keys at hand, say tpm = \"new\" in [machines.NAME]: the copy gets an empty one."},
    {"M-WINDOWS", blocker, "what converting Windows needs is not at hand",
     "virt-v2v puts drivers and a service into the guest, which Debian does not ship: virtio-win "
     "and rhsrvany.exe, at the places that VIRTIO_WIN and VIRT_TOOLS_DATA_DIR name, else in "
     "/usr/share/virtio-win and /usr/share/virt-tools. Take an ISO image that is newer than the "
     "guest's Windows. Or let the guest take its own drivers (convert = \"in-guest\"), or move it "
     "as it is with convert = \"none\" where the target has "
     "its controllers, and convert it by hand."},
    {"M-WINDOWS-UNPROVEN", warning, "flyt was not proven with Windows",
     "virt-v2v converts it, and a version that the drivers are not for is refused then; but no "
     "Windows was at hand to try flyt with. Rehearse with a copy of it, and have a way back. Its "
     "first boot installs drivers and may restart it once or twice: give it a longer "
     "boot_timeout."},
    {"P-ADOPT", warning, "what an earlier plan seeded does not fit any more",
     "The disks have changed their number or size since. The machine is not taken over: "
     "flyt undo --target removes what the earlier plan made."},
    {"P-EMPTY", warning, "there is nothing to move",
     "No machine was selected: all are templates, or flyt made them."},
    {"P-GROUND", blocker, "the target breaks the policy",
     "Where it stands, who runs it or who controls it is not what [policy] allows, or the "
     "platform contradicts what the site states. No machine is planned. Choose another target, or "
     "correct the ground or the policy in the site file."},
    {"P-GROUND-UNVERIFIED", warning, "the target's ground is not verified",
     "Nothing contradicts the policy, but nothing proves that it is kept. State the ground in the "
     "site file: ground = { country, operator, owner, control }, or { provider, region }."},
    {"P-SAME-PLATFORM", warning, "source and target are the same platform",
     "The machine will stand there twice. Give it another name: [machines.NAME] name = \"...\"."},
    {"P-SETTINGS", warning, "the site has settings for a machine that the source does not have",
     "A name in [machines.NAME] that is mistyped is followed by none. Correct it; leave it when it "
     "is the name of a machine elsewhere. Where the site has more endpoints than the plan's two, "
     "only a name that is like one of this source's is told."},
    {"P-WAVES", warning, "waves are not planned yet",
     "The site puts machines into more than one wave, and the plan has one: flyt apply takes all "
     "in it. Plan one wave at a time: flyt plan --select NAMES."},
    {"T-AFTER", warning, "the target can do nothing with machines beside running them",
     "The site asks for more once they have landed ([defaults.after], [machines.NAME.after]), and "
     "the target's driver does none of it: see to it by hand. Empty those keys for machines that "
     "go there and need nothing of it: ha = \"none\", backup_jobs = []."},
    {"T-AFTER-FIREWALL", warning, "the target's firewall is switched off",
     "The machine gets its security groups, and nothing is kept out until the firewall is switched "
     "on for the whole target. "
     "Then what no rule accepts is dropped, of every machine whose firewall is on."},
    {"T-AFTER-MISSING", blocker, "the target lacks what the site wants machines to be put into",
     "A backup job, an HA group or rule, a security group or a host for replicas is named in "
     "[defaults.after] or [machines.NAME.after] and is not there, or the disks come to where they "
     "cannot be replicated from. flyt makes none of them. Make it there, or correct the name."},
    {"T-CPUS", warning, "no host of the target has as many CPUs",
     "It runs, but slower than it was. Give it fewer CPUs on the source first."},
    {"T-IN-GUEST", blocker, "the guest cannot be started on SATA first",
     "Convert it before its first start (convert = \"virt-v2v\"), or move it as it is "
     "(convert = \"none\")."},
    {"T-MAC", blocker, "a MAC address is taken",
     "Two machines with one address on a network lose each other's packets. Change it on one of "
     "them, or remove the machine that has it."},
    {"T-MEMORY", blocker, "no host of the target has that much memory",
     "Give the machine less memory on the source, or the target more."},
    {"T-MEMORY-SUM", warning, "the machines together want more memory than is free",
     "They are made, but may not all be started at once. Free memory on the target or plan fewer."},
    {"T-NAME", blocker, "the name is taken on the target",
     "By a machine that this migration did not make, or by another one of this plan. Give it "
     "another: [machines.NAME] name = \"...\"."},
    {"T-NAME-CHANGED", info, "the machine gets another name on the target",
     "The target takes no names but such as hosts have: letters, digits and '-', with dots. "
     "Spaces, "
     "'_' and letters beyond A to Z are written otherwise; what the guest calls itself stays. "
     "Where "
     "another name is wanted: [machines.NAME] name = \"...\"."},
    {"T-NAME-INVALID", blocker, "no machine of the target can have this name",
     "It is blank, or there is a slash in it. Give it another: [machines.NAME] name = \"...\"."},
    {"T-NETWORK", blocker, "a network of the source is mapped to none of the target",
     "Add a line to [map.networks] in the site file."},
    {"T-NETWORK-INACTIVE", warning, "a network of the target is not active",
     "The machine may not start, or starts without it. Start the network."},
    {"T-NETWORK-MISSING", blocker, "the site maps to a network that the target does not have",
     "Correct the line in [map.networks], or make the network."},
    {"T-NIC-MODEL", warning, "the target has no network card of that kind",
     "The machine is not converted and gets another kind of card. Where its guest has no driver "
     "for that it has no network: say convert = \"virt-v2v\", or change the card on the source."},
    {"T-OURS", info, "the machine is there already, made by this migration",
     "An earlier run made it. Applying goes on with it; nothing is made twice."},
    {"T-OURS-DISKS", blocker, "the machine is there, made by this migration, with other disks",
     "The source's disks have changed their number, or grown where the target cannot follow. "
     "flyt undo NAME --target removes it; then plan again."},
    {"T-OURS-FIRMWARE", blocker,
     "the machine is there, made by this migration, with other firmware",
     "It was made with Secure Boot, or without, and the plan has it otherwise; or without a TPM. "
     "Neither is changed on a machine that is there. Say in the site what it has (secure_boot), "
     "change it there by hand, or remove it by flyt undo NAME --target; then plan again."},
    {"T-OURS-GROWN", info, "disks of the source have grown since the machine was made",
     "Applying enlarges them on the target, and copies those disks anew; the others are brought up "
     "to date as always."},
    {"T-PASSAGE-FULL", blocker, "there is too little room where disks lie on their way",
     "Disks that land by uploads are written to flyt's state folder first, and sent from there "
     "to a storage that takes uploads. What is used of them is counted, all of the plan in the "
     "state folder, one at a time on the storage. Free some space there, plan fewer machines, "
     "or name another folder ([site] state) or storage (import_storage)."},
    {"T-STORAGE", blocker, "a storage of the source is mapped to none of the target",
     "Add a line to [map.storages] in the site file."},
    {"T-STORAGE-FULL", blocker, "the target's storage has too little room",
     "Disks are counted with their full size, and what this plan puts beside them too; where "
     "a disk lies twice while it lands, the largest one twice. Free some space, map to another "
     "storage or plan fewer machines."},
    {"T-STORAGE-MISSING", blocker, "the site maps to a storage that the target does not have",
     "Correct the line in [map.storages], or make the storage."},
    {"T-STORAGE-UNKNOWN", warning, "it is not known how much room the target's storage has",
     "Nothing can be promised: look before applying."},
    {"T-TEMPLATE", warning, "the target has no templates",
     "A machine is made that is never started. Keep it off, and copy it."},
    {"T-TPM", blocker, "the machine is to get a new TPM, and cannot",
     "The site says tpm = \"new\". A libvirt host emulates one where swtpm is installed; else move "
     "the machine to another target, or suspend in the guest what the TPM unlocks, remove the TPM "
     "on the source, and plan again."},
    {"T-UUID", warning, "the machine's uuid is taken on the target",
     "The target gives it another. Licences that know the old one will not."},
    {"T-VOLUME", blocker, "a volume of this name is on the target",
     "Nothing that is there is replaced. Where it is the same, nothing has to be moved; else "
     "remove "
     "or rename one of the two, or map to another storage."},
    {"T-VOLUME-STORAGE", blocker, "no storage of the target takes a volume of this kind",
     "Images of optical discs, templates of containers and backups lie in storages of files that "
     "are meant for them. Map the source's storage to one that is, or let one take them; on "
     "Proxmox "
     "VE: pvesm set STORAGE --content iso,vztmpl,backup,... By its API alone (landing = \"api\") "
     "flyt moves no volumes without a machine."},
});

}  // namespace

std::span<const ConcernKind> concern_kinds() { return kinds; }

Concern concern(std::string_view code, std::string_view machine, std::string text,
                std::string remedy) {
  return concern_of(kinds, code, machine, std::move(text), std::move(remedy));
}

std::string explain(const ConcernKind& kind) {
  return fmt::format("{} ({}): {}.\n{}\n", kind.code, to_string(kind.severity), kind.title,
                     kind.help);
}

}  // namespace flyt
