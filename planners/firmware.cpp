#include "planners/firmware.hpp"

#include <fmt/format.h>

#include <string>

#include "base/convert_choice.hpp"
#include "planners/concerns.hpp"

namespace flyt {
namespace {

// Why it is off on the target; empty: it is on.
std::string why_off(const MachineSettings& settings, const Inventory* target,
                    const Machine& machine) {
  if (!settings.secure_boot.value_or(true)) return "the site says so";
  if (machine.firmware.kind != FirmwareKind::uefi) return "it is not known to boot by UEFI";
  // What it trusts is kept on the storage of the first one.
  if (machine.disks.empty()) return "it has no disk";
  if (target != nullptr && !target->secure_boot) {
    return fmt::format("{} has no firmware with keys for it", target->endpoint);
  }
  return {};
}

// Why the target makes none; empty: it does.
std::string why_no_tpm(const Inventory* target, const Machine& machine) {
  if (machine.disks.empty()) return "it has no disk, beside which a TPM's state would be kept";
  if (target == nullptr || target->new_tpm) return {};
  return fmt::format("{} gives no TPM to machines", target->endpoint);
}

void assess_secure_boot(const MachineSettings& settings, const Inventory* target,
                        const Machine& machine, std::vector<Concern>& found) {
  if (const std::string why = why_off(settings, target, machine); !why.empty()) {
    found.push_back(concern("M-SECURE-BOOT", machine.name,
                            fmt::format("Secure Boot will be off on the target: {}", why)));
    return;
  }
  found.push_back(concern("M-SECURE-BOOT-KEYS", machine.name,
                          target == nullptr
                              ? "Secure Boot: it stays on where the target can, and no keys travel"
                              : "Secure Boot will be on, with Microsoft's keys and no others"));
  const Convert wanted = settings.convert.value_or(Convert::automatic);
  if (machine.guest.family != GuestFamily::windows) return;
  if (!choose_conversion(machine, wanted).convert) return;
  found.push_back(concern("M-SECURE-BOOT-DRIVERS", machine.name,
                          "Secure Boot: Windows starts only if its new drivers bear Microsoft's "
                          "signature"));
}

void assess_tpm(const MachineSettings& settings, const Inventory* target, const Machine& machine,
                std::vector<Concern>& found) {
  if (!settings.new_tpm.value_or(false)) {
    found.push_back(concern(
        "M-VTPM", machine.name, "virtual TPM: what it holds cannot leave the source",
        fmt::format("in the guest, suspend what it unlocks, then remove the TPM; or, with the "
                    "recovery keys at hand, in the site file: [machines.\"{}\"]  tpm = \"new\"",
                    machine.name)));
  } else if (const std::string why = why_no_tpm(target, machine); !why.empty()) {
    found.push_back(
        concern("T-TPM", machine.name, fmt::format("it cannot get a new TPM: {}", why)));
  } else {
    found.push_back(concern("M-TPM-NEW", machine.name,
                            "it gets a new, empty TPM; what the old one holds is lost to it"));
  }
}

}  // namespace

bool keeps_secure_boot(const Machine& source, const MachineSettings& settings,
                       const Inventory& target) {
  return source.firmware.secure_boot.value_or(false) && why_off(settings, &target, source).empty();
}

bool gets_tpm(const Machine& source, const MachineSettings& settings, const Inventory& target) {
  return source.firmware.tpm.value_or(false) && settings.new_tpm.value_or(false) &&
         why_no_tpm(&target, source).empty();
}

void assess_firmware(const MachineSettings& settings, const Inventory* target,
                     const Machine& machine, std::vector<Concern>& found) {
  const Firmware& firmware = machine.firmware;
  if (firmware.kind == FirmwareKind::unknown) {
    found.push_back(
        concern("M-FIRMWARE", machine.name, "firmware not known: it is made with BIOS"));
  }
  if (firmware.tpm.value_or(false)) assess_tpm(settings, target, machine, found);
  if (firmware.secure_boot.value_or(false)) assess_secure_boot(settings, target, machine, found);
}

}  // namespace flyt
