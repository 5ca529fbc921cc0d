#include "drivers/rvtools/disks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <tuple>

#include "base/lower_case.hpp"

namespace flyt::rvtools {
namespace {

struct ControllerWord {
  std::string_view part;  // of what vSphere calls it, in lower case
  Bus bus;
  std::string_view word;  // as the driver vsphere says it
};
// The first that fits.
constexpr std::array controller_words{
    ControllerWord{"paravirtual", Bus::scsi, "pvscsi"},
    ControllerWord{"pvscsi", Bus::scsi, "pvscsi"},
    ControllerWord{"lsi logic sas", Bus::scsi, "lsilogicsas"},
    ControllerWord{"lsilogicsas", Bus::scsi, "lsilogicsas"},
    ControllerWord{"lsi logic", Bus::scsi, "lsilogic"},
    ControllerWord{"lsilogic", Bus::scsi, "lsilogic"},
    ControllerWord{"buslogic", Bus::scsi, "buslogic"},
    ControllerWord{"nvme", Bus::nvme, "nvme"},
    ControllerWord{"ahci", Bus::sata, "ahci"},
    ControllerWord{"sata", Bus::sata, "ahci"},
    ControllerWord{"scsi", Bus::scsi, ""},
    ControllerWord{"ide", Bus::ide, "ide"},
};

const ControllerWord* controller_in(const std::string& text) {
  const std::string word = lower_case(text);
  const auto found =
      std::find_if(controller_words.begin(), controller_words.end(),
                   [&](const auto& one) { return word.find(one.part) != std::string::npos; });
  return found == controller_words.end() ? nullptr : &*found;
}

// The number at its end: "SCSI controller 1".
std::optional<std::uint64_t> number_behind(const std::string& text) {
  const auto begin = text.find_last_not_of("0123456789");
  const std::size_t first = begin == std::string::npos ? 0 : begin + 1;
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data() + first, text.data() + text.size(), number);
  if (read.ec != std::errc()) return std::nullopt;
  return number;
}

// "[datastore1] web01/web01.vmdk".
std::string datastore_of(const std::string& path) {
  const auto end = path.find(']');
  if (path.empty() || path.front() != '[' || end == std::string::npos) return {};
  return path.substr(1, end - 1);
}

void set_controller(const Row& row, SourceDisk& to) {
  const std::string label = row.text("label");
  const std::string controller = row.text("controller");
  for (const std::string& text : {controller, label}) {
    const ControllerWord* found = controller_in(text);
    if (found == nullptr) continue;
    if (to.disk.bus == Bus::unknown) to.disk.bus = found->bus;
    if (to.disk.controller.empty()) to.disk.controller = found->word;
  }
  to.controller = number_behind(label).value_or(number_behind(controller).value_or(0));
  to.unit = row.count("unit#").value_or(row.count("scsiunit#").value_or(0));
}

void set_mode(const Row& row, SourceDisk& to) {
  const std::string sharing = key_of(row.text("sharingmode"));
  const std::string bus = key_of(row.text("sharedbus"));
  const bool raw = row.flag("raw").value_or(false);
  // A raw mapping that does not say how it is one may be in physical mode.
  to.physical = raw && key_of(row.text("rawcompmode")) != "virtualmode";
  const bool shared_bus = bus.ends_with("sharing") && bus != "nosharing";
  if (shared_bus || sharing.find("multiwriter") != std::string::npos) {
    to.shared = true;
  }
  if (key_of(row.text("diskmode")).starts_with("independent")) {
    to.not_in_a_view = "it is independent of snapshots";
  }
}

auto place(const SourceDisk& one) {
  constexpr std::array order{Bus::scsi, Bus::sata, Bus::nvme, Bus::ide, Bus::unknown};
  const auto rank = std::find(order.begin(), order.end(), one.disk.bus) - order.begin();
  return std::tuple(rank, one.controller, one.unit);
}

void refuse_unreadable(const SourceDisk& from, Power power, Disk& disk) {
  if (from.physical) {
    disk.left_out = "it is a raw mapping in physical mode: neither a file nor in an export";
  } else if (from.shared) {
    disk.left_out = "it may be shared with other machines, which may write to it at any time";
  } else if (power != Power::off && !from.not_in_a_view.empty()) {
    disk.left_out = from.not_in_a_view + ": the machine must be off";
  }
}

}  // namespace

SourceDisk disk_of(const Row& row) {
  SourceDisk found;
  Disk& disk = found.disk;
  disk.id = row.text("diskkey");
  disk.uuid = lower_case(row.text("diskuuid"));
  disk.label = row.text("disk");
  disk.size_bytes = row.mib({"capacitymib", "capacitymb"}).value_or(0);
  disk.format = "vmdk";
  disk.storage = datastore_of(row.text("diskpath"));
  if (disk.storage.empty()) disk.storage = datastore_of(row.text("path"));
  found.thin = row.flag("thin");
  set_controller(row, found);
  set_mode(row, found);
  return found;
}

void complete_disks(std::vector<SourceDisk> disks, std::optional<std::uint64_t> used,
                    Machine& machine) {
  std::stable_sort(disks.begin(), disks.end(),
                   [](const SourceDisk& a, const SourceDisk& b) { return place(a) < place(b); });
  std::set<std::string> ids;
  std::set<Bus> buses;
  for (SourceDisk& from : disks) {
    Disk& disk = from.disk;
    if (disk.id.empty() || !ids.insert(disk.id).second) {
      disk.id = fmt::format("disk {}", machine.disks.size());
      ids.insert(disk.id);
    }
    buses.insert(disk.bus);
    disk.boots = machine.disks.empty();
    if (from.thin == false) disk.used_bytes = disk.size_bytes;
    // The files of a machine with one disk are little more than that disk.
    if (from.thin == true && disks.size() == 1 && used) {
      disk.used_bytes = std::min(*used, disk.size_bytes);
    }
    refuse_unreadable(from, machine.power, disk);
    machine.disks.push_back(std::move(disk));
  }
  if (buses.size() < 2) return;
  machine.concerns.push_back(
      {"V-BOOT-DISK", Severity::info, machine.name,
       fmt::format("its disks hang on several kinds of controllers; {} is taken for the one that "
                   "boots",
                   machine.disks.front().label),
       ""});
}

}  // namespace flyt::rvtools
