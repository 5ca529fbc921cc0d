#include "planners/draft.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/boot_disk.hpp"
#include "base/convert_choice.hpp"
#include "base/dns_name.hpp"
#include "base/identity.hpp"
#include "base/nic_model.hpp"
#include "base/units.hpp"
#include "planners/concerns.hpp"
#include "planners/enrol.hpp"
#include "planners/firmware.hpp"
#include "planners/mapping.hpp"

namespace flyt {
namespace {

constexpr std::chrono::seconds usual_settle{60};

// A PCI slot for each disk runs out beyond this.
constexpr std::size_t most_virtio_blk = 20;

class Drafter {
 public:
  Drafter(const PlanInput& input, const Machine& source)
      : input_(input), source_(source), settings_(settings_of(*input.site, source.name)) {
    const auto seen = input.inside.find(source.id);
    if (seen != input.inside.end()) inside_ = &seen->second;
  }

  Draft draft();

 private:
  void raise(std::string_view code, std::string text, std::string remedy = {}) {
    draft_.concerns.push_back(concern(code, source_.name, std::move(text), std::move(remedy)));
  }
  ClockBase clock() const;
  bool gets_virtio() const {
    return draft_.machine.convert || draft_.machine.introduce.count() > 0;
  }
  void choose();
  void describe();
  void add_disks();
  void add_nics();
  void adopt();
  void enrol();

  const PlanInput& input_;
  const Machine& source_;
  const MachineSettings settings_;
  const Inside* inside_ = nullptr;  // null: nobody has looked into it
  Draft draft_;
};

// As the guest itself says, where that is known; else as the source states it.
ClockBase Drafter::clock() const {
  if (inside_ != nullptr && inside_->universal_clock) return ClockBase::utc;
  if (source_.clock != ClockBase::unknown) return source_.clock;
  const bool windows = source_.guest.family == GuestFamily::windows;
  return windows ? ClockBase::local_time : ClockBase::utc;
}

void Drafter::choose() {
  const ConvertChoice choice =
      choose_conversion(source_, settings_.convert.value_or(Convert::automatic));
  PlannedMachine& planned = draft_.machine;
  planned.convert = choice.convert;
  planned.convert_why = choice.why;
  if (!choice.in_guest) return;
  planned.introduce = settings_.settle.value_or(usual_settle);
  raise("M-IN-GUEST",
        fmt::format("it is started twice: on SATA and unplugged, and on virtio {} after "
                    "its agent has answered there",
                    format_duration(planned.introduce)));
  if (!input_.target->can.has(Capability::introduce)) {
    raise("T-IN-GUEST", fmt::format("{} cannot start it on SATA first", input_.target->endpoint));
  }
  if (const std::size_t boot = boot_disk(source_.disks); boot >= most_on_sata) {
    raise("T-IN-GUEST", fmt::format("it starts from disk {}, and only {} can be on SATA", boot + 1,
                                    most_on_sata));
  }
}

void Drafter::describe() {
  MachineSpec& spec = draft_.machine.spec;
  spec.owner.id = draft_.machine.migration_id;
  spec.name = settings_.name.value_or(source_.name);
  if (input_.target->dns_names && !is_dns_name(spec.name)) {
    // One that the site gives is not changed behind its back; nor is one of which nothing is left.
    const std::string valid = settings_.name ? std::string() : dns_name_from(spec.name);
    if (!valid.empty()) {
      raise("T-NAME-CHANGED",
            fmt::format("{} will be called {} on {}", spec.name, valid, input_.target->endpoint));
      spec.name = valid;
    }
  }
  // The hardware's own is what guests and licences know; Machine::uuid may be the platform's alone.
  for (const std::string* uuid : {&source_.smbios_uuid, &source_.uuid}) {
    if (spec.uuid.empty() && is_uuid(*uuid)) spec.uuid = *uuid;
  }
  if (is_uuid(source_.generation_id)) spec.generation_id = source_.generation_id;
  spec.is_template = source_.is_template;
  if (spec.is_template && !input_.target->can.has(Capability::templates)) {
    raise("T-TEMPLATE", fmt::format("{} knows no templates", input_.target->endpoint));
  }
  spec.notes = fmt::format("Moved by flyt from {} of {}, migration {}.", source_.name,
                           input_.source->endpoint, draft_.machine.migration_id);
  if (!source_.notes.empty()) spec.notes += "\n" + source_.notes;
  spec.cpus = source_.cpus.value_or(1);
  if (const auto sockets = source_.sockets.value_or(0); sockets > 0 && spec.cpus % sockets == 0) {
    spec.sockets = sockets;
  }
  spec.memory_bytes = source_.memory_bytes.value_or(0);
  spec.firmware =
      source_.firmware.kind == FirmwareKind::uefi ? FirmwareKind::uefi : FirmwareKind::bios;
  spec.secure_boot = keeps_secure_boot(source_, settings_, *input_.target);
  spec.tpm = gets_tpm(source_, settings_, *input_.target);
  spec.clock = clock();
  spec.guest = source_.guest;
}

void Drafter::add_disks() {
  PlannedMachine& planned = draft_.machine;
  const bool any_boots = std::any_of(source_.disks.begin(), source_.disks.end(),
                                     [](const Disk& disk) { return disk.boots; });
  // One controller is enough to get to know.
  const bool by_scsi = source_.disks.size() > most_virtio_blk || planned.introduce.count() > 0;
  const Bus converted = by_scsi ? Bus::virtio_scsi : Bus::virtio_blk;
  for (std::size_t i = 0; i < source_.disks.size(); ++i) {
    const Disk& disk = source_.disks[i];
    const std::string storage = storage_name(*input_.source, disk.storage);
    const auto mapped = map_storage(*input_.site, *input_.target, storage);
    if (!mapped.to) {
      raise("T-STORAGE",
            fmt::format("disk {}: storage \"{}\" is mapped to none of {}", i, storage,
                        input_.target->endpoint),
            mapped.line);
    } else if (!mapped.exists) {
      raise(
          "T-STORAGE-MISSING",
          fmt::format("disk {}: {} has no storage \"{}\"", i, input_.target->endpoint, *mapped.to),
          mapped.line);
    }
    std::string land_by;
    for (const Storage& one : input_.target->storages) {
      if (mapped.to && one.name == *mapped.to) land_by = one.land_by;
    }
    planned.spec.disks.push_back({.size_bytes = disk.size_bytes,
                                  .bus = gets_virtio() ? converted : disk.bus,
                                  .controller = gets_virtio() ? std::string() : disk.controller,
                                  .storage = mapped.to.value_or(std::string()),
                                  .boots = any_boots ? disk.boots : i == 0,
                                  .land_by = std::move(land_by)});
    planned.copy_bytes += std::min(disk.used_bytes.value_or(disk.size_bytes), disk.size_bytes);
    const std::string why = fmt::format("{} ({})", mapped.to.value_or("none"), mapped.why);
    if (planned.placement_why.find(why) == std::string::npos) {
      planned.placement_why += (planned.placement_why.empty() ? "" : ", ") + why;
    }
  }
}

void Drafter::add_nics() {
  PlannedMachine& planned = draft_.machine;
  for (std::size_t i = 0; i < source_.nics.size(); ++i) {
    const Nic& nic = source_.nics[i];
    const auto mapped = map_network(*input_.site, *input_.target, nic.network);
    if (!mapped.to) {
      raise("T-NETWORK",
            fmt::format("network card {}: network \"{}\" is mapped to none of {}", i, nic.network,
                        input_.target->endpoint),
            mapped.line);
    } else if (!mapped.exists) {
      raise("T-NETWORK-MISSING",
            fmt::format("network card {}: {} has no network \"{}\"", i, input_.target->endpoint,
                        mapped.to->network),
            mapped.line);
    } else if (!find_network(*input_.target, mapped.to->network)->active.value_or(true)) {
      raise("T-NETWORK-INACTIVE", fmt::format("network \"{}\" of {} is not active",
                                              mapped.to->network, input_.target->endpoint));
    }
    if (!gets_virtio() && !nic.model.empty() && neutral_nic_model(nic.model).empty()) {
      raise("T-NIC-MODEL",
            fmt::format("network card {} is of the kind \"{}\", which {} does not have", i,
                        nic.model, input_.target->endpoint));
    }
    const NetworkTarget to = mapped.to.value_or(NetworkTarget());
    planned.spec.nics.push_back(
        {nic.mac, to.network, to.vlan, gets_virtio() ? "virtio" : neutral_nic_model(nic.model)});
  }
}

void Drafter::adopt() {
  if (input_.adopt == nullptr) return;
  PlannedMachine& planned = draft_.machine;
  for (const PlannedMachine& old : input_.adopt->machines) {
    if (old.migration_id != planned.migration_id) continue;
    const bool fits = std::equal(
        old.spec.disks.begin(), old.spec.disks.end(), planned.spec.disks.begin(),
        planned.spec.disks.end(),
        [](const DiskSpec& a, const DiskSpec& b) { return a.size_bytes == b.size_bytes; });
    if (fits) {
      planned.adopts = input_.adopt->digest;
    } else {
      raise("P-ADOPT", "its disks are not those that the earlier plan seeded");
    }
  }
}

// What the driver cannot do at all is left out of the plan, which says so.
void Drafter::enrol() {
  if (source_.is_template) return;  // nobody takes care of what never runs
  Enrolment wanted = enrolment_of(settings_.after);
  if (wanted.empty()) return;
  if (!input_.target->can.has(Capability::enrol)) {
    raise("T-AFTER", fmt::format("left out, since {} cannot: {}", input_.target->endpoint,
                                 fmt::join(enrolment_words(wanted), "; ")));
    return;
  }
  for (std::string& lack : not_there(wanted, draft_.machine.spec.disks, *input_.target)) {
    raise("T-AFTER-MISSING", std::move(lack));
  }
  if (!wanted.firewall.empty() && !input_.target->choices.firewall_on.value_or(true)) {
    raise("T-AFTER-FIREWALL",
          fmt::format("the firewall of {} is off: security group {} keeps nobody out",
                      input_.target->endpoint, fmt::join(wanted.firewall, ", ")));
  }
  draft_.machine.after = std::move(wanted);
}

Draft Drafter::draft() {
  draft_.concerns = assess(
      *input_.site,
      {input_.source->endpoint, input_.source_can_cut_over, input_.windows_lacks, input_.target},
      source_, inside_);
  PlannedMachine& planned = draft_.machine;
  planned.source = source_;
  // What may change until the plan is applied, and is looked at then.
  for (Disk& disk : planned.source.disks) disk.stamp.clear();
  planned.source.hosting.up_seconds.reset();
  planned.migration_id = migration_id(input_.site->id, input_.source->platform_id, source_.uuid);
  // Nothing more is known of what could not be read.
  if (!source_.unreadable.empty()) return std::move(draft_);
  choose();
  describe();
  add_disks();
  add_nics();
  adopt();
  enrol();
  planned.probes = settings_.probes;
  planned.marker = settings_.marker.value_or(std::string());
  planned.track_changes = settings_.track_changes.value_or(false) && input_.source_can_track &&
                          source_.power == Power::on && source_.hosting.change_tracking == false;
  planned.boot_timeout = settings_.boot_timeout.value_or(planned.boot_timeout);
  return std::move(draft_);
}

}  // namespace

MachineSettings settings_of(const Site& site, const std::string& name) {
  MachineSettings settings = site.defaults;
  const auto own = site.machines.find(name);
  if (own == site.machines.end()) return settings;
  const MachineSettings& more = own->second;
  if (more.convert) settings.convert = more.convert;
  if (more.settle) settings.settle = more.settle;
  if (more.boot_timeout) settings.boot_timeout = more.boot_timeout;
  if (more.track_changes) settings.track_changes = more.track_changes;
  if (more.secure_boot) settings.secure_boot = more.secure_boot;
  if (more.new_tpm) settings.new_tpm = more.new_tpm;
  if (more.marker) settings.marker = more.marker;
  if (!more.probes.empty()) settings.probes = more.probes;
  settings.after = over(std::move(settings.after), more.after);
  settings.name = more.name;
  return settings;
}

bool Draft::blocked() const {
  return std::any_of(concerns.begin(), concerns.end(),
                     [](const Concern& one) { return one.severity == Severity::blocker; });
}

Draft draft_machine(const PlanInput& input, const Machine& source) {
  return Drafter(input, source).draft();
}

}  // namespace flyt
