#include "drivers/ova/ova.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "base/bare_volume.hpp"
#include "base/version.hpp"
#include "drivers/ova/catalogue.hpp"
#include "drivers/ova/hardware.hpp"
#include "drivers/ova/package_disk.hpp"

namespace flyt::ova {
namespace {

namespace fs = std::filesystem;

class OvaDriver final : public Driver {
 public:
  OvaDriver(const EndpointConfig& config, fs::path place)
      : endpoint_(config.name), place_(std::move(place)) {
    if (!config.state.empty()) notes_ = config.state / "ova";
  }

  DriverInfo info() const override {
    return {"ova", std::string(version()), {Capability::read}, 8};
  }

  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    FLYT_TRY(proceed(call, endpoint_));
    Inventory inventory;
    inventory.endpoint = endpoint_;
    inventory.driver = "ova";
    inventory.platform = fmt::format("packages in {}", place_.string());
    inventory.platform_id = "ova";
    FLYT_ASSIGN(const auto entries, find_packages(place_));
    if (!scope.migration_id.empty()) return inventory;  // nothing here is ever made by a migration
    if (const auto volume = bare_volume_of(scope.machine)) {
      FLYT_ASSIGN(const VolumeHere here, volume_of(*volume, call));
      inventory.machines.push_back(here.stand_in());
      return inventory;
    }
    for (const Entry& entry : entries) {
      if (!scope.machine.empty() && !may_hold(entry, scope.machine)) continue;
      FLYT_TRY(add(entry, inventory, call));
    }
    if (!scope.machine.empty()) return only(std::move(inventory), scope.machine);
    mark_copies(inventory);
    return inventory;
  }

  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    FLYT_TRY(proceed(call, spec.machine));
    const std::string what = fmt::format("{}: disk {}", spec.machine, spec.disk);
    if (spec.use == Use::write) {
      return Error{Errc::unsupported, what + ": a package is only read, never written"};
    }
    if (bare_volume_of(spec.machine)) return open_volume(spec, what, call);
    FLYT_ASSIGN(const Package package, package_of(spec.machine, call));
    if (!spec.view.empty()) {
      return Error{Errc::not_found, fmt::format("{}: there is no view {}", what, spec.view)};
    }
    if (!spec.since.empty()) {
      return Error{Errc::unsupported, what + ": a package keeps no track of changes"};
    }
    FLYT_TRY(check_belongs(package, spec));
    FLYT_ASSIGN(const PackageDisk disk, within(what, look_at_disk(package, spec.disk, call)));
    FLYT_TRY(within(what, check_disk(package, disk, notes_, call)));
    return open_disk(package, disk, what, call);
  }

 private:
  // A '#' may be ours, before the machine's part of the id, or the file's own.
  static bool may_hold(const Entry& entry, const std::string& machine) {
    return entry.name == machine || entry.name == machine.substr(0, machine.rfind('#'));
  }

  static Error no_machine(const std::string& machine) {
    return {Errc::not_found, fmt::format("there is no machine {}", machine)};
  }

  // One package that cannot be used does not hide the others.
  Status add(const Entry& entry, Inventory& inventory, const Call& call) const {
    const auto package = open_entry(entry, call);
    auto machines =
        package ? machines_in(*package, call) : Result<std::vector<Machine>>(package.error());
    if (!machines) {
      const Error& error = machines.error();
      if (error.code == Errc::cancelled || error.code == Errc::timed_out) return error;
      inventory.machines.push_back(unreadable(entry, error));
      return ok();
    }
    for (Machine& machine : *machines) inventory.machines.push_back(std::move(machine));
    for (Volume& volume : volumes_in(*package)) inventory.volumes.push_back(std::move(volume));
    for (const std::string& name : package->ovf().networks) add_network(name, inventory);
    inventory.storages.push_back({entry.name, entry.name, "package"});
    return ok();
  }

  static void add_network(const std::string& name, Inventory& inventory) {
    for (const Network& known : inventory.networks) {
      if (known.name == name) return;
    }
    inventory.networks.push_back({name, name, "portgroup"});
  }

  static Result<Package> open_entry(const Entry& entry, const Call& call) {
    if (entry.refused.empty()) return Package::open(entry.path, entry.name, call);
    return Error{Errc::unsupported,
                 fmt::format("{}: {}", entry.name, entry.refused),
                 {},
                 {},
                 {},
                 {fmt::format("unpack it first: gunzip, unxz or unzstd {}", entry.path.string())}};
  }

  static Result<Inventory> only(Inventory inventory, const std::string& machine) {
    std::erase_if(inventory.machines, [&machine](const Machine& m) { return m.id != machine; });
    if (inventory.machines.empty()) return no_machine(machine);
    return inventory;
  }

  // The same descriptor means the same migration id, and two machines cannot share one.
  static void mark_copies(Inventory& inventory) {
    std::map<std::string, std::string> first;
    for (Machine& machine : inventory.machines) {
      if (!machine.unreadable.empty()) continue;
      const auto [known, is_new] = first.emplace(machine.uuid, machine.id);
      if (is_new) continue;
      machine.concerns.push_back({"O-COPY", Severity::blocker, machine.name,
                                  fmt::format("it is the same machine as {}", known->second),
                                  "move one of the packages elsewhere"});
    }
  }

  Result<Package> package_of(const std::string& machine, const Call& call) const {
    FLYT_ASSIGN(const auto entries, find_packages(place_));
    for (const Entry& entry : entries) {
      if (!may_hold(entry, machine)) continue;
      FLYT_ASSIGN(Package package, open_entry(entry, call));
      for (const OvfSystem& system : package.ovf().systems) {
        if (machine_id(package.name(), package.ovf(), system) == machine) return package;
      }
    }
    return no_machine(machine);
  }

  // An image of an optical disc that a package holds.
  struct VolumeHere {
    Package package;
    Volume volume;
    std::string disk;  // look_at_disk()
    PackageFile file;
    Machine stand_in() const {
      Machine machine = bare_machine(volume);
      machine.disks.front().stamp = to_string(file.identity);
      return machine;
    }
  };

  Result<VolumeHere> volume_of(const std::string& id, const Call& call) const {
    FLYT_ASSIGN(const auto entries, find_packages(place_));
    for (const Entry& entry : entries) {
      if (!id.starts_with(entry.name + "/")) continue;
      FLYT_ASSIGN(Package package, open_entry(entry, call));
      for (Volume& volume : volumes_in(package)) {
        if (volume.id != id) continue;
        for (const OvfFile& reference : package.ovf().files) {
          auto file = package.file(reference);
          if (!file || file->name != volume.name) continue;
          const std::string disk = fmt::format("{}{}", file_disk, reference.id);
          return VolumeHere{std::move(package), std::move(volume), disk, *std::move(file)};
        }
      }
    }
    return Error{Errc::not_found, fmt::format("there is no volume {}", id)};
  }

  Result<std::unique_ptr<Channel>> open_volume(const OpenSpec& spec, const std::string& what,
                                               const Call& call) {
    FLYT_ASSIGN(const VolumeHere here, volume_of(spec.disk, call));
    if (!here.volume.left_out.empty()) {
      return Error{Errc::unsupported, fmt::format("{}: {}", what, here.volume.left_out)};
    }
    FLYT_ASSIGN(const PackageDisk disk, within(what, look_at_disk(here.package, here.disk, call)));
    FLYT_TRY(within(what, check_disk(here.package, disk, notes_, call)));
    return open_disk(here.package, disk, what, call);
  }

  // Several machines in a package share the list of disks, but not the disks.
  static Status check_belongs(const Package& package, const OpenSpec& spec) {
    for (const OvfSystem& system : package.ovf().systems) {
      if (machine_id(package.name(), package.ovf(), system) != spec.machine) continue;
      for (const Disk& disk : machine_of(package.ovf(), system).disks) {
        if (disk.id != spec.disk) continue;
        if (disk.left_out.empty()) return ok();
        return Error{Errc::unsupported,
                     fmt::format("{}: disk {}: {}", spec.machine, spec.disk, disk.left_out)};
      }
    }
    return Error{Errc::not_found, fmt::format("{}: there is no disk {}", spec.machine, spec.disk)};
  }

  std::string endpoint_;
  fs::path place_;
  fs::path notes_;  // which files were compared with their digest; empty: not noted
};

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array all{
      KeyInfo{"path", "an .ova, an .ovf, or a folder that holds such packages", true},
  };
  return all;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  const auto path = config.values.find("path");
  if (path == config.values.end() || path->second.empty()) {
    return Error{Errc::invalid, "path: it must name a file or a folder"};
  }
  return std::unique_ptr<Driver>(
      std::make_unique<OvaDriver>(config, config.folder / fs::path(path->second)));
}

}  // namespace flyt::ova
