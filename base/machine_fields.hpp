// The members of a machine and its parts, as inventories and plans name them.
#pragma once

#include <array>

#include "base/fields_json.hpp"
#include "base/machine.hpp"

namespace flyt {

template <>
struct Fields<Concern> {
  static constexpr std::array severities = {Severity::info, Severity::warning, Severity::blocker};
  static void visit(auto& io, auto& concern) {
    io("code", concern.code);
    io.one_of("severity", concern.severity, severities);
    io("machine", concern.machine);
    io("text", concern.text);
    io("remedy", concern.remedy);
  }
};

template <>
struct Fields<Disk> {
  static void visit(auto& io, auto& disk) {
    io("id", disk.id);
    io("uuid", disk.uuid);
    io("label", disk.label);
    io("size_bytes", disk.size_bytes);
    io("used_bytes", disk.used_bytes);
    io.word("bus", disk.bus, &bus_from);
    io("controller", disk.controller);
    io("storage", disk.storage);
    io("format", disk.format);
    io("boots", disk.boots);
    io("stream_only", disk.stream_only);
    io("left_out", disk.left_out);
    io.unless_empty("read_by", disk.read_by);
    io.unless_empty("stamp", disk.stamp);
  }
};

template <>
struct Fields<Nic> {
  static void visit(auto& io, auto& nic) {
    io("id", nic.id);
    io("mac", nic.mac);
    io("network", nic.network);
    io("model", nic.model);
    io("connected", nic.connected);
    io("addresses", nic.addresses);
  }
};

template <>
struct Fields<Firmware> {
  static void visit(auto& io, auto& firmware) {
    io.word("kind", firmware.kind, &firmware_from);
    io("secure_boot", firmware.secure_boot);
    io("tpm", firmware.tpm);
  }
};

template <>
struct Fields<Guest> {
  static void visit(auto& io, auto& guest) {
    io.word("family", guest.family, &guest_family_from);
    io("id", guest.id);
    io("name", guest.name);
    io("host_name", guest.host_name);
  }
};

template <>
struct Fields<Device> {
  static void visit(auto& io, auto& device) {
    io.word("kind", device.kind, &device_kind_from);
    io("label", device.label);
    io("backing", device.backing);
  }
};

template <>
struct Fields<Tools> {
  static void visit(auto& io, auto& tools) {
    io.unless_unknown("state", tools.state, &tools_state_from);
    io.unless_empty("version", tools.version);
    io.unless_empty("old", tools.old);
  }
};

template <>
struct Fields<Hosting> {
  static void visit(auto& io, auto& hosting) {
    io.unless_empty("cluster", hosting.cluster);
    io.unless_empty("resource_pool", hosting.resource_pool);
    io.unless_empty("cpu_reserved_mhz", hosting.cpu_reserved_mhz);
    io.unless_empty("memory_reserved_bytes", hosting.memory_reserved_bytes);
    io.unless_empty("cpu_hot_add", hosting.cpu_hot_add);
    io.unless_empty("memory_hot_add", hosting.memory_hot_add);
    io.unless_empty("pinned", hosting.pinned);
    io.unless_empty("latency_sensitive", hosting.latency_sensitive);
    io.unless_empty("fault_tolerant", hosting.fault_tolerant);
    io.unless_empty("encrypted", hosting.encrypted);
    io.unless_empty("change_tracking", hosting.change_tracking);
    io.unless_empty("snapshots", hosting.snapshots);
    io.unless_empty("snapshot_memory", hosting.snapshot_memory);
    io.unless_empty("consolidation_needed", hosting.consolidation_needed);
    io.unless_empty("up_seconds", hosting.up_seconds);
  }
};

template <>
struct Fields<Machine> {
  static void visit(auto& io, auto& machine) {
    io("id", machine.id);
    io("uuid", machine.uuid);
    io.unless_empty("smbios_uuid", machine.smbios_uuid);
    io.unless_empty("generation_id", machine.generation_id);
    io("name", machine.name);
    io("folder", machine.folder);
    io("tags", machine.tags);
    io("notes", machine.notes);
    io("migration_id", machine.migration_id);
    io("host", machine.host);
    io.word("power", machine.power, &power_from);
    io("is_template", machine.is_template);
    io.unless_empty("bare", machine.bare);
    io("cpus", machine.cpus);
    io("sockets", machine.sockets);
    io("memory_bytes", machine.memory_bytes);
    io("firmware", machine.firmware);
    io.word("clock", machine.clock, &clock_from);
    io("guest", machine.guest);
    io("disks", machine.disks);
    io("nics", machine.nics);
    io.unless_empty("devices", machine.devices);
    io.unless_empty("tools", machine.tools);
    io.unless_empty("hosting", machine.hosting);
    io("concerns", machine.concerns);
    io("unreadable", machine.unreadable);
  }
};

}  // namespace flyt
