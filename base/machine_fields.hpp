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
struct Fields<Machine> {
  static void visit(auto& io, auto& machine) {
    io("id", machine.id);
    io("uuid", machine.uuid);
    io("name", machine.name);
    io("folder", machine.folder);
    io("tags", machine.tags);
    io("notes", machine.notes);
    io("migration_id", machine.migration_id);
    io("host", machine.host);
    io.word("power", machine.power, &power_from);
    io("is_template", machine.is_template);
    io("cpus", machine.cpus);
    io("sockets", machine.sockets);
    io("memory_bytes", machine.memory_bytes);
    io("firmware", machine.firmware);
    io.word("clock", machine.clock, &clock_from);
    io("guest", machine.guest);
    io("disks", machine.disks);
    io("nics", machine.nics);
    io("concerns", machine.concerns);
    io("unreadable", machine.unreadable);
  }
};

}  // namespace flyt
