#include "drivers/rvtools/rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/lower_case.hpp"
#include "base/units.hpp"

namespace flyt::rvtools {
namespace {

constexpr std::size_t most_cards = 10;  // of a machine of vSphere

void raise(Machine& machine, std::string_view code, Severity severity, std::string text,
           std::string_view remedy = "") {
  machine.concerns.push_back(
      {std::string(code), severity, machine.name, std::move(text), std::string(remedy)});
}

Power power_of(const std::string& word) {
  const std::string key = key_of(word);
  if (key == "poweredon") return Power::on;
  if (key == "poweredoff") return Power::off;
  return key == "suspended" ? Power::suspended : Power::unknown;
}

Firmware firmware_of(const Row& row) {
  Firmware firmware;
  const std::string kind = key_of(row.text("firmware"));
  if (kind == "efi") firmware.kind = FirmwareKind::uefi;
  if (kind == "bios") firmware.kind = FirmwareKind::bios;
  firmware.secure_boot = row.flag("efisecureboot");
  if (firmware.kind == FirmwareKind::bios) firmware.secure_boot = false;
  return firmware;
}

// An export has names of guests, and no identifiers.
GuestFamily family_of(const std::string& name) {
  constexpr std::array linuxes{"linux",     "ubuntu",   "debian",  "centos", "red hat",
                               "suse",      "fedora",   "photon",  "coreos", "rocky",
                               "almalinux", "mandriva", "flatcar", "asianux"};
  constexpr std::array others{"freebsd", "solaris", "mac os", "macos", "netware", "ms-dos",
                              "esx",     "os/2",    "sco",    "bsd",   "unixware"};
  const std::string word = lower_case(name);
  const auto in = [&](const auto& all) {
    return std::any_of(all.begin(), all.end(),
                       [&](const char* one) { return word.find(one) != std::string::npos; });
  };
  if (word.find("windows") != std::string::npos) return GuestFamily::windows;
  if (in(linuxes)) return GuestFamily::linux;
  return in(others) ? GuestFamily::other : GuestFamily::unknown;
}

void set_guest(const Row& row, Machine& machine) {
  const std::string configured = row.text("osaccordingtotheconfigurationfile");
  machine.guest.name = row.text("osaccordingtothevmwaretools");
  if (machine.guest.name.empty()) machine.guest.name = row.text("os");
  machine.guest.family = family_of(machine.guest.name);
  if (machine.guest.family == GuestFamily::unknown) machine.guest.family = family_of(configured);
  if (machine.guest.name.empty()) machine.guest.name = configured;
  machine.guest.host_name = row.text("dnsname");
  if (machine.guest.family == GuestFamily::windows) machine.clock = ClockBase::local_time;
  if (machine.guest.family == GuestFamily::linux) machine.clock = ClockBase::utc;
}

// Custom attributes stand in columns of their own, between these two.
std::vector<std::string> attributes(const Row& row, const Header& header) {
  std::vector<std::string> tags;
  const auto before = header.find("annotation"), after = header.find("datacenter");
  if (!before || !after) return tags;
  for (std::size_t at = *before + 1; at < *after; ++at) {
    const std::string value = row.text_at(at);
    if (!value.empty()) tags.push_back(fmt::format("{}:{}", header.names()[at], value));
  }
  return tags;
}

// "/Hall A/vm/Drift/Web" is "Drift/Web" to whom looks at Hall A.
std::string folder_of(const std::string& path, const std::string& datacenter) {
  const std::string root = fmt::format("/{}/vm", datacenter);
  if (path.starts_with(root + "/")) return path.substr(root.size() + 1);
  return path == root ? std::string() : path;
}

std::string why_unreadable(const Row& row) {
  const std::string connection = row.text("connectionstate");
  if (!connection.empty() && key_of(connection) != "connected") {
    return fmt::format("vCenter said that it is {}", connection);
  }
  if (row.flag("srmplaceholder").value_or(false)) {
    return "it holds the place of a machine of another site, for Site Recovery Manager";
  }
  return {};
}

std::string first_text(const Row& row, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (auto text = row.text(key); !text.empty()) return text;
  }
  return {};
}

std::string model_of(const std::string& adapter) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> models{
      {{"vmxnet3", "VmxNet3"},
       {"vmxnet2", "VmxNet2"},
       {"e1000e", "E1000e"},
       {"e1000", "E1000"},
       {"pcnet32", "PCNet32"},
       {"flexible", "PCNet32"}}};
  const std::string key = key_of(adapter);
  const auto found = std::find_if(models.begin(), models.end(), [&](const auto& one) {
    return key.find(one.first) != std::string::npos;
  });
  return found == models.end() ? adapter : std::string(found->second);
}

void add_addresses(const std::string& text, Nic& nic) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(", ;|", begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    if (one.find_first_of(".:") != std::string::npos) nic.addresses.push_back(one);
    begin = end + 1;
  }
}

void check_count(const std::optional<std::uint64_t>& told, std::size_t listed,
                 std::string_view what, std::string_view tab, Machine& machine) {
  if (!told || *told == listed) return;
  raise(machine, "R-COUNT", Severity::blocker,
        fmt::format("{}: vInfo counts {}, {} lists {}", what, *told, tab, listed),
        "export all tabs again, at one time");
}

void judge_guest_storage(const Source& source, Machine& machine) {
  std::uint64_t inside = 0, disks = 0;
  for (const auto& one : source.partitions) inside += std::get<0>(one);
  for (const Disk& disk : machine.disks) disks += disk.size_bytes;
  if (inside <= disks) return;
  raise(machine, "R-GUEST-STORAGE", Severity::warning,
        fmt::format("the guest has file systems of {}, its disks are {}", format_size(inside),
                    format_size(disks)));
}

void judge_life(const Source& source, Machine& machine) {
  if (source.snapshots != 0) {
    raise(machine, "R-SNAPSHOT", Severity::warning,
          source.snapshots == 1
              ? std::string("its snapshot is left behind: it is moved as it is now")
              : fmt::format("its {} snapshots are left behind: it is moved as it is now",
                            source.snapshots));
  }
  const std::string tools = key_of(source.tools);
  const bool deaf = tools.find("notrunning") != std::string::npos ||
                    tools.find("notinstalled") != std::string::npos;
  if (machine.power == Power::on && deaf) {
    raise(machine, "R-TOOLS", Severity::warning,
          fmt::format("VMware Tools answered {}: flyt cannot shut it down", source.tools),
          "start VMware Tools in the guest, or shut it down by hand before flyt apply");
  }
}

}  // namespace

Source source_of(const Row& row, const Header& header) {
  Source source;
  Machine& machine = source.machine;
  machine.name = row.text("vm");
  machine.uuid = lower_case(row.text("vmuuid"));
  machine.id = row.text("vmid");
  if (machine.id.empty()) machine.id = machine.uuid.empty() ? machine.name : machine.uuid;
  source.datacenter = row.text("datacenter");
  machine.folder = folder_of(row.text("folder"), source.datacenter);
  machine.tags = attributes(row, header);
  machine.notes = row.text("annotation");
  machine.host = row.text("host");
  machine.power = power_of(row.text("powerstate"));
  machine.is_template = row.flag("template").value_or(false);
  machine.unreadable = why_unreadable(row);
  if (const auto cpus = row.count("cpus"); cpus && *cpus > 0) {
    machine.cpus = static_cast<std::uint32_t>(*cpus);
  }
  machine.memory_bytes = row.mib({"memory", "memorymib", "memorymb"});
  machine.firmware = firmware_of(row);
  set_guest(row, machine);
  source.disk_count = row.count("disks");
  source.nic_count = row.count("nics");
  source.used = row.mib({"inusemib", "inusemb"});
  for (unsigned i = 1; i <= 8; ++i) {
    if (auto name = row.text(fmt::format("network#{}", i)); !name.empty()) {
      source.networks.push_back(std::move(name));
    }
  }
  return source;
}

void add_cpus(const Row& row, Source& to) {
  Machine& machine = to.machine;
  if (!machine.cpus) {
    if (const auto cpus = row.count("cpus"); cpus && *cpus > 0) {
      machine.cpus = static_cast<std::uint32_t>(*cpus);
    }
  }
  if (const auto sockets = row.count("sockets"); sockets && *sockets > 0) {
    machine.sockets = static_cast<std::uint32_t>(*sockets);
  }
}

void add_memory(const Row& row, Source& to) {
  if (to.machine.memory_bytes) return;
  to.machine.memory_bytes = row.mib({"sizemib", "sizemb"});
}

void add_disk(const Row& row, Source& to) { to.disks.push_back(disk_of(row)); }

void add_partition(const Row& row, Source& to) {
  const auto capacity = row.mib({"capacitymib", "capacitymb"});
  if (!capacity) return;
  to.partitions.emplace(*capacity, row.mib({"consumedmib", "consumedmb"}).value_or(0),
                        row.mib({"freemib", "freemb"}).value_or(0));
}

void add_nic(const Row& row, Source& to) {
  Nic nic;
  nic.id = first_text(row, {"niclabel", "adapter"});
  nic.mac = lower_case(row.text("macaddress"));
  std::replace(nic.mac.begin(), nic.mac.end(), '-', ':');
  nic.network = row.text("network");
  const std::string adapter = first_text(row, {"adapter", "type"});
  const bool passed = key_of(adapter).find("sriov") != std::string::npos;
  nic.model = passed ? std::string() : model_of(adapter);
  nic.connected = row.flag("startsconnected");
  if (!nic.connected) nic.connected = row.flag("connected");
  add_addresses(first_text(row, {"ipv4address", "ipaddress"}), nic);
  add_addresses(row.text("ipv6address"), nic);
  if (passed) {
    raise(to.machine, "V-PASSTHROUGH", Severity::warning,
          nic.id + " is a piece of the source's hardware; an emulated one takes its place");
  }
  to.machine.nics.push_back(std::move(nic));
}

void add_drive(const Row& row, Source& to) {
  const std::string image = row.text("devicetype");
  if (lower_case(image).find(".iso") == std::string::npos) return;
  raise(to.machine, "V-CDROM", Severity::warning,
        fmt::format("{} holds {}, which is not attached on the target",
                    first_text(row, {"devicenode"}), image),
        "attach the image there when the guest needs it");
}

void add_usb(const Row& row, Source& to) {
  raise(to.machine, "V-PASSTHROUGH", Severity::warning,
        fmt::format("{} is a piece of the source's hardware and stays there",
                    first_text(row, {"devicenode", "devicetype"})));
}

void add_snapshot(const Row&, Source& to) { ++to.snapshots; }

void add_tools(const Row& row, Source& to) { to.tools = row.text("tools"); }

void add_bare_nics(Source& to) {
  const std::size_t cards = to.nic_count.value_or(to.networks.size());
  for (std::size_t i = 0; i < std::min(cards, most_cards); ++i) {
    Nic nic;
    nic.id = fmt::format("nic {}", i);
    if (i < to.networks.size()) nic.network = to.networks[i];
    to.machine.nics.push_back(std::move(nic));
  }
}

Machine complete_machine(Source source, Ground& ground) {
  Machine machine = std::move(source.machine);
  machine.host = machine.host.empty() ? machine.host : ground.host_id(machine.host);
  for (SourceDisk& one : source.disks) one.disk.storage = ground.storage_id(one.disk.storage);
  check_count(source.disk_count, source.disks.size(), "disks", "vDisk", machine);
  check_count(source.nic_count, machine.nics.size(), "network cards", "vNetwork", machine);
  for (const Nic& nic : machine.nics) {
    if (!nic.network.empty()) ground.add_network(nic.network);
  }
  complete_disks(std::move(source.disks), source.used, machine);
  judge_guest_storage(source, machine);
  judge_life(source, machine);
  return machine;
}

}  // namespace flyt::rvtools
