#include "drivers/memory/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/bare_volume.hpp"
#include "base/durable_file.hpp"
#include "base/identity.hpp"
#include "base/units.hpp"
#include "base/version.hpp"
#include "drivers/memory/channels.hpp"
#include "drivers/memory/disk_file.hpp"
#include "drivers/memory/machines.hpp"
#include "drivers/memory/views.hpp"

namespace flyt::memory {
namespace {

constexpr unsigned max_concurrency = 16;

// Keeps nothing in memory: every call locks the folder, reads world.json, acts, and writes it.
class MemoryDriver final : public Driver {
 public:
  MemoryDriver(std::string endpoint, WorldFolder folder, std::optional<PrivateFolder> own)
      : endpoint_(std::move(endpoint)), folder_(std::move(folder)), own_(std::move(own)) {}

  DriverInfo info() const override {
    return {"memory",
            std::string(version()),
            {Capability::observe, Capability::view, Capability::tracking, Capability::read,
             Capability::write, Capability::create, Capability::update, Capability::destroy,
             Capability::power, Capability::volumes, Capability::templates, Capability::grow,
             Capability::enrol, Capability::introduce},
            max_concurrency};
  }

  Result<Inventory> inventory(const Scope& scope, const Call& call) override;
  Result<Observation> observe(const std::string& machine, const Call& call) override;
  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override;
  Status set_power(const std::string& machine, PowerChange change, const Call& call) override;

  Status set_tracking(const std::string& machine, bool on, const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return memory::set_tracking(folder_, locked, machine, on);
  }

  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return memory::make_view(folder_, locked, spec);
  }

  Status drop_view(const ViewSpec& spec, const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return memory::drop_view(folder_, locked, spec);
  }

  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return open_disk(folder_, locked, spec, call);
  }

  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return create(folder_, locked, spec);
  }

  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return update(folder_, locked, id, spec);
  }

  Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted, const Owner& owner,
                          const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return memory::enrol(locked, machine, wanted, owner);
  }

  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return memory::destroy(folder_, locked, id, owner, call);
  }

  Result<Machine> publish(const std::string& id, const MachineSpec& spec,
                          const Call& call) override {
    FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
    return memory::publish(folder_, locked, id, spec, call);
  }

 private:
  std::string endpoint_;
  WorldFolder folder_;
  std::optional<PrivateFolder> own_;
};

namespace {

// A world has them among its machines.
void show_volumes(Inventory& found) {
  auto& machines = found.machines;
  const auto bare = std::stable_partition(machines.begin(), machines.end(),
                                          [](const Machine& one) { return one.bare.empty(); });
  for (auto one = bare; one != machines.end(); ++one) {
    const Disk& disk = one->disks.front();
    found.volumes.push_back({disk.id, one->name, disk.storage, one->bare, disk.format,
                             disk.size_bytes, one->migration_id, disk.left_out});
  }
  machines.erase(bare, machines.end());
}

}  // namespace

Result<Inventory> MemoryDriver::inventory(const Scope& scope, const Call& call) {
  FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
  World& world = locked.world;
  const std::int64_t now = now_ms();
  const auto hidden = [&](const Machine& one) {
    const auto inside = world.inside.find(one.id);
    return (inside != world.inside.end() && inside->second.shown_from > now) ||
           (!scope.machine.empty() && one.id != scope.machine) ||
           (!scope.migration_id.empty() && one.migration_id != scope.migration_id);
  };
  if (!scope.machine.empty()) {
    FLYT_ASSIGN(const Machine* wanted, find_machine(world, scope.machine));
    if (hidden(*wanted)) {
      return Error{Errc::not_found, fmt::format("there is no machine {}", scope.machine)};
    }
  }
  Inventory found = std::move(world.ground);
  found.secure_boot = found.new_tpm = true;
  if (!scope.findings) found.findings.clear();
  if (!scope.enrolments.empty()) found.choices = world.choices;
  found.machines.erase(std::remove_if(found.machines.begin(), found.machines.end(), hidden),
                       found.machines.end());
  for (Machine& machine : found.machines) {
    machine.hosting.change_tracking = world.inside[machine.id].tracking;
    for (Disk& disk : machine.disks) {
      disk.stamp = stamp_of(folder_.disk(machine.id, disk.id));
      if (machine.power == Power::off || !disk.left_out.empty()) continue;
      const std::string why = left_out_of_views(world.inside[machine.id], disk);
      if (!why.empty()) disk.left_out = why + ": the machine must be off";
    }
  }
  if (scope.machine.empty() && scope.migration_id.empty()) show_volumes(found);
  found.endpoint = endpoint_;
  found.driver = "memory";
  if (found.platform.empty()) found.platform = "a world in memory";
  return found;
}

Result<Observation> MemoryDriver::observe(const std::string& machine, const Call& call) {
  FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
  FLYT_ASSIGN(const Machine* seen, find_machine(locked.world, machine));
  const Inside& inside = locked.world.inside[machine];
  Observation now;
  now.power = seen->power;
  now.host = seen->host;
  now.place = locked.world.ground.place;
  if (seen->power != Power::on || !inside.agent) {
    now.agent = false;
    return now;
  }
  now.agent = true;
  now.host_name = inside.host_name.empty() ? seen->guest.host_name : inside.host_name;
  now.addresses = inside.addresses;
  return now;
}

Result<ConsoleText> MemoryDriver::console(const std::string& machine, const std::string& after,
                                          const Call& call) {
  FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
  FLYT_TRY(find_machine(locked.world, machine));
  const std::string& said = locked.world.inside[machine].console;
  std::size_t from = 0;
  const auto parsed = std::from_chars(after.data(), after.data() + after.size(), from);
  ConsoleText piece{true};
  piece.anew = parsed.ec != std::errc() || from > said.size();
  if (piece.anew) from = 0;
  piece.text = said.substr(from, mib);
  const std::size_t end = from + piece.text.size();
  piece.next = std::to_string(end);
  piece.more = end < said.size();
  return piece;
}

Status MemoryDriver::set_power(const std::string& machine, PowerChange change, const Call& call) {
  FLYT_ASSIGN(LockedWorld locked, folder_.lock(call));
  FLYT_ASSIGN(Machine * found, find_machine(locked.world, machine));
  Inside& inside = locked.world.inside[machine];
  const Power wanted = change == PowerChange::on ? Power::on : Power::off;
  if (found->power == wanted) return ok();
  if (change == PowerChange::off && inside.deaf) {
    Error error{Errc::timed_out, fmt::format("{} does not switch itself off", found->name)};
    error.remedy.emplace_back("switch it off from inside, or force it off");
    return error;
  }
  if (change == PowerChange::on) {
    // Nobody may be at its disks: not even those who could make way for one another.
    FLYT_TRY(fence(locked, machine, Owner{found->migration_id, 0}, call));
    inside.console = inside.boots;
  }
  found->power = wanted;
  return locked.save();
}

constexpr std::array<KeyInfo, 2> all_keys{
    {{"world", "folder with world.json; without it an empty world that goes with flyt"},
     {"token", "what a world with token_sha256 asks for", false, true}}};

}  // namespace

std::span<const KeyInfo> keys() { return all_keys; }

World empty_world(const std::string& platform_id) {
  World world;
  world.ground.platform_id = platform_id;
  world.ground.hosts.push_back({"host1", "host1"});
  world.ground.storages.push_back({"storage1", "storage1", "dir"});
  world.ground.storages.front().keeps = {"disk", "iso", "template", "backup"};
  world.ground.networks.push_back({"lan", "lan", "bridge"});
  world.habits.created.agent = true;
  return world;
}

Machine& add_machine(World& world, const std::string& name, const std::vector<SeededDisk>& disks) {
  Machine machine;
  machine.id = machine.name = name;
  machine.uuid = random_uuid();
  machine.power = Power::off;
  machine.host = world.ground.hosts.empty() ? "" : world.ground.hosts.front().id;
  machine.cpus = 1;
  machine.memory_bytes = 512 * mib;
  machine.firmware.kind = FirmwareKind::bios;
  machine.clock = ClockBase::utc;
  machine.guest.family = GuestFamily::linux;
  Inside& inside = world.inside[name];
  inside.agent = true;
  for (const SeededDisk& wanted : disks) {
    Disk disk;
    disk.id = fmt::format("disk{}", machine.disks.size());
    disk.uuid = random_uuid();
    disk.label = fmt::format("Hard disk {}", machine.disks.size() + 1);
    disk.size_bytes = wanted.size_bytes;
    disk.bus = Bus::scsi;
    disk.controller = "lsilogic";
    disk.format = "raw";
    disk.boots = machine.disks.empty();
    disk.stream_only = wanted.stream_only;
    if (!world.ground.storages.empty()) disk.storage = world.ground.storages.front().id;
    if (wanted.seed) inside.seeds[disk.id] = *wanted.seed;
    machine.disks.push_back(std::move(disk));
  }
  const auto number = world.ground.machines.size();
  const std::string network =
      world.ground.networks.empty() ? "" : world.ground.networks.front().name;
  machine.nics.push_back(
      {"nic0", fmt::format("52:54:00:00:{:02x}:{:02x}", number / 256 % 256, number % 256), network,
       "e1000", true});
  return world.ground.machines.emplace_back(std::move(machine));
}

Machine& add_volume(World& world, const std::string& name, const std::string& kind,
                    const SeededDisk& content) {
  Volume volume{.id = "v-" + name, .name = name, .kind = kind, .format = "raw"};
  volume.size_bytes = content.size_bytes;
  if (!world.ground.storages.empty()) volume.storage = world.ground.storages.front().id;
  Machine machine = bare_machine(volume);
  if (content.seed) world.inside[machine.id].seeds[volume.id] = *content.seed;
  return world.ground.machines.emplace_back(std::move(machine));
}

Result<std::unique_ptr<Driver>> make(const World& world, const std::filesystem::path& folder) {
  std::error_code failed;
  WorldFolder made(std::filesystem::absolute(folder, failed));
  FLYT_TRY(made.write(world));
  return std::unique_ptr<Driver>(
      std::make_unique<MemoryDriver>("memory", std::move(made), std::nullopt));
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call& call) {
  Secret token;
  if (const auto key = config.secrets.find("token"); key != config.secrets.end()) {
    FLYT_ASSIGN(token, resolve(key->second, config.folder, call));
  }
  if (const auto key = config.values.find("world"); key != config.values.end()) {
    std::error_code failed;
    WorldFolder folder(std::filesystem::absolute(config.folder / key->second, failed),
                       std::move(token));
    return std::unique_ptr<Driver>(
        std::make_unique<MemoryDriver>(config.name, std::move(folder), std::nullopt));
  }
  FLYT_ASSIGN(PrivateFolder own, PrivateFolder::make("flyt-memory"));
  WorldFolder folder(own.path());
  FLYT_TRY(folder.write(empty_world(random_uuid())));
  return std::unique_ptr<Driver>(
      std::make_unique<MemoryDriver>(config.name, std::move(folder), std::move(own)));
}

}  // namespace flyt::memory
