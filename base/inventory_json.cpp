#include "base/inventory_json.hpp"

#include <nlohmann/json.hpp>

#include "base/members_json.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

// Unknown is written as null: a reader sees that it was asked for.
template <typename T>
Json known(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

template <typename T, typename Write>
Json list(const std::vector<T>& values, Write write) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(write(value));
  return out;
}

// A reader of words that knows all: what it does not know is `unknown`.
template <typename T>
auto lenient(T (*from)(std::string_view) noexcept) {
  return [from](const std::string& word) { return std::optional<T>(from(word)); };
}

// The value among `all` that is written as the word.
template <typename T, std::size_t N>
auto among(const std::array<T, N>& all) {
  return [all](const std::string& word) -> std::optional<T> {
    for (const T value : all) {
      if (to_string(value) == word) return value;
    }
    return std::nullopt;
  };
}

Json disk_json(const Disk& disk) {
  Json json = {{"id", disk.id},
               {"uuid", disk.uuid},
               {"label", disk.label},
               {"size_bytes", disk.size_bytes},
               {"used_bytes", known(disk.used_bytes)},
               {"bus", to_string(disk.bus)},
               {"controller", disk.controller},
               {"storage", disk.storage},
               {"format", disk.format},
               {"boots", disk.boots},
               {"stream_only", disk.stream_only},
               {"left_out", disk.left_out}};
  if (!disk.stamp.empty()) json["stamp"] = disk.stamp;
  return json;
}

Result<Disk> disk_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Disk disk;
  in.read("id", disk.id);
  in.read("uuid", disk.uuid);
  in.read("label", disk.label);
  in.read("size_bytes", disk.size_bytes);
  in.read("used_bytes", disk.used_bytes);
  in.read_word("bus", disk.bus, lenient(&bus_from));
  in.read("controller", disk.controller);
  in.read("storage", disk.storage);
  in.read("format", disk.format);
  in.read("boots", disk.boots);
  in.read("stream_only", disk.stream_only);
  in.read("left_out", disk.left_out);
  in.read("stamp", disk.stamp);
  return std::move(in).give(std::move(disk));
}

Json nic_json(const Nic& nic) {
  return {{"id", nic.id},
          {"mac", nic.mac},
          {"network", nic.network},
          {"model", nic.model},
          {"connected", known(nic.connected)},
          {"addresses", nic.addresses}};
}

Result<Nic> nic_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Nic nic;
  in.read("id", nic.id);
  in.read("mac", nic.mac);
  in.read("network", nic.network);
  in.read("model", nic.model);
  in.read("connected", nic.connected);
  in.read("addresses", nic.addresses);
  return std::move(in).give(std::move(nic));
}

Json firmware_json(const Firmware& firmware) {
  return {{"kind", to_string(firmware.kind)},
          {"secure_boot", known(firmware.secure_boot)},
          {"tpm", known(firmware.tpm)}};
}

Result<Firmware> firmware_object_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Firmware firmware;
  in.read_word("kind", firmware.kind, lenient(&firmware_from));
  in.read("secure_boot", firmware.secure_boot);
  in.read("tpm", firmware.tpm);
  return std::move(in).give(firmware);
}

Json guest_json(const Guest& guest) {
  return {{"family", to_string(guest.family)},
          {"id", guest.id},
          {"name", guest.name},
          {"host_name", guest.host_name}};
}

Result<Guest> guest_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Guest guest;
  in.read_word("family", guest.family, lenient(&guest_family_from));
  in.read("id", guest.id);
  in.read("name", guest.name);
  in.read("host_name", guest.host_name);
  return std::move(in).give(std::move(guest));
}

Result<Concern> concern_at(const Json& json, const std::string& path) {
  constexpr std::array all = {Severity::info, Severity::warning, Severity::blocker};
  JsonMembers in(json, path);
  Concern concern;
  in.read("code", concern.code);
  in.read_word("severity", concern.severity, among(all));
  in.read("machine", concern.machine);
  in.read("text", concern.text);
  in.read("remedy", concern.remedy);
  return std::move(in).give(std::move(concern));
}

Result<Machine> machine_at(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Machine machine;
  in.read("id", machine.id);
  in.read("uuid", machine.uuid);
  in.read("name", machine.name);
  in.read("folder", machine.folder);
  in.read("tags", machine.tags);
  in.read("notes", machine.notes);
  in.read("migration_id", machine.migration_id);
  in.read("host", machine.host);
  in.read_word("power", machine.power, lenient(&power_from));
  in.read("is_template", machine.is_template);
  in.read("cpus", machine.cpus);
  in.read("sockets", machine.sockets);
  in.read("memory_bytes", machine.memory_bytes);
  in.read_object("firmware", machine.firmware, firmware_object_from);
  in.read_word("clock", machine.clock, lenient(&clock_from));
  in.read_object("guest", machine.guest, guest_from);
  in.read_list("disks", machine.disks, disk_from);
  in.read_list("nics", machine.nics, nic_from);
  in.read_list("concerns", machine.concerns, concern_at);
  in.read("unreadable", machine.unreadable);
  return std::move(in).give(std::move(machine));
}

Json place_json(const Place& place) {
  return {{"provider", place.provider},
          {"region", place.region},
          {"country", place.country},
          {"site", place.site}};
}

Result<Place> place_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Place place;
  in.read("provider", place.provider);
  in.read("region", place.region);
  in.read("country", place.country);
  in.read("site", place.site);
  return std::move(in).give(std::move(place));
}

Json host_json(const Host& host) {
  return {{"id", host.id},
          {"name", host.name},
          {"cpus", known(host.cpus)},
          {"memory_bytes", known(host.memory_bytes)},
          {"memory_free_bytes", known(host.memory_free_bytes)},
          {"place", place_json(host.place)}};
}

Result<Host> host_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Host host;
  in.read("id", host.id);
  in.read("name", host.name);
  in.read("cpus", host.cpus);
  in.read("memory_bytes", host.memory_bytes);
  in.read("memory_free_bytes", host.memory_free_bytes);
  in.read_object("place", host.place, place_from);
  return std::move(in).give(std::move(host));
}

Json storage_json(const Storage& storage) {
  return {{"id", storage.id},
          {"name", storage.name},
          {"kind", storage.kind},
          {"size_bytes", known(storage.size_bytes)},
          {"free_bytes", known(storage.free_bytes)}};
}

Result<Storage> storage_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Storage storage;
  in.read("id", storage.id);
  in.read("name", storage.name);
  in.read("kind", storage.kind);
  in.read("size_bytes", storage.size_bytes);
  in.read("free_bytes", storage.free_bytes);
  return std::move(in).give(std::move(storage));
}

Json network_json(const Network& network) {
  return {{"id", network.id},
          {"name", network.name},
          {"kind", network.kind},
          {"vlan", known(network.vlan)},
          {"active", known(network.active)}};
}

Result<Network> network_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Network network;
  in.read("id", network.id);
  in.read("name", network.name);
  in.read("kind", network.kind);
  in.read("vlan", network.vlan);
  in.read("active", network.active);
  return std::move(in).give(std::move(network));
}

Json volume_json(const Volume& volume) {
  return {{"id", volume.id},
          {"name", volume.name},
          {"storage", volume.storage},
          {"kind", volume.kind},
          {"format", volume.format},
          {"size_bytes", volume.size_bytes},
          {"migration_id", volume.migration_id}};
}

Result<Volume> volume_from(const Json& json, const std::string& path) {
  JsonMembers in(json, path);
  Volume volume;
  in.read("id", volume.id);
  in.read("name", volume.name);
  in.read("storage", volume.storage);
  in.read("kind", volume.kind);
  in.read("format", volume.format);
  in.read("size_bytes", volume.size_bytes);
  in.read("migration_id", volume.migration_id);
  return std::move(in).give(std::move(volume));
}

}  // namespace

Json to_json(const Machine& machine) {
  return {{"id", machine.id},
          {"uuid", machine.uuid},
          {"name", machine.name},
          {"folder", machine.folder},
          {"tags", machine.tags},
          {"notes", machine.notes},
          {"migration_id", machine.migration_id},
          {"host", machine.host},
          {"power", to_string(machine.power)},
          {"is_template", machine.is_template},
          {"cpus", known(machine.cpus)},
          {"sockets", known(machine.sockets)},
          {"memory_bytes", known(machine.memory_bytes)},
          {"firmware", firmware_json(machine.firmware)},
          {"clock", to_string(machine.clock)},
          {"guest", guest_json(machine.guest)},
          {"disks", list(machine.disks, disk_json)},
          {"nics", list(machine.nics, nic_json)},
          {"concerns", list(machine.concerns, [](const Concern& one) { return to_json(one); })},
          {"unreadable", machine.unreadable}};
}

Json to_json(const Inventory& inventory) {
  return {{"endpoint", inventory.endpoint},
          {"driver", inventory.driver},
          {"platform", inventory.platform},
          {"platform_id", inventory.platform_id},
          {"place", place_json(inventory.place)},
          {"machines", list(inventory.machines, [](const Machine& one) { return to_json(one); })},
          {"hosts", list(inventory.hosts, host_json)},
          {"storages", list(inventory.storages, storage_json)},
          {"networks", list(inventory.networks, network_json)},
          {"volumes", list(inventory.volumes, volume_json)},
          {"notes", inventory.notes}};
}

Json to_json(const Concern& concern) {
  return {{"code", concern.code},
          {"severity", to_string(concern.severity)},
          {"machine", concern.machine},
          {"text", concern.text},
          {"remedy", concern.remedy}};
}

Result<Machine> machine_from(const Json& json) { return machine_at(json, ""); }
Result<Concern> concern_from(const Json& json) { return concern_at(json, ""); }

Result<Inventory> inventory_from(const Json& json) {
  JsonMembers in(json, "");
  Inventory inventory;
  in.read("endpoint", inventory.endpoint);
  in.read("driver", inventory.driver);
  in.read("platform", inventory.platform);
  in.read("platform_id", inventory.platform_id);
  in.read_object("place", inventory.place, place_from);
  in.read_list("machines", inventory.machines, machine_at);
  in.read_list("hosts", inventory.hosts, host_from);
  in.read_list("storages", inventory.storages, storage_from);
  in.read_list("networks", inventory.networks, network_from);
  in.read_list("volumes", inventory.volumes, volume_from);
  in.read("notes", inventory.notes);
  return std::move(in).give(std::move(inventory));
}

std::string inventory_text(const Inventory& inventory) {
  // A platform may give names that are no UTF-8; they must not cost the whole document.
  return to_json(inventory).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Inventory> parse_inventory(std::string_view text) {
  FLYT_ASSIGN(const Json json, parse_document(text, "the inventory"));
  return inventory_from(json);
}

}  // namespace flyt
