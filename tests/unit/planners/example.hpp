// A small site, source and target that planner tests change to their needs.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "planners/planner.hpp"

namespace flyt::tests {

inline Machine machine(const std::string& name, unsigned number) {
  Machine made;
  made.id = "id-" + name;
  made.uuid = "00000000-0000-4000-8000-00000000000" + std::to_string(number);
  made.name = name;
  made.power = Power::off;
  made.cpus = 2;
  made.memory_bytes = 2 * gib;
  made.firmware.kind = FirmwareKind::bios;
  made.clock = ClockBase::utc;
  made.guest.family = GuestFamily::linux;
  Disk disk;
  disk.id = "disk-0";
  disk.uuid = "d-" + name;
  disk.size_bytes = 10 * gib;
  disk.used_bytes = 3 * gib;
  disk.bus = Bus::scsi;
  disk.controller = "lsilogic";
  disk.storage = "ds-1";
  disk.format = "vmdk-stream";
  made.disks.push_back(disk);
  Nic nic;
  nic.mac = "00:50:56:00:00:0" + std::to_string(number);
  nic.network = "VM Network";
  nic.model = "E1000";
  nic.addresses = {"10.0.0." + std::to_string(number)};
  made.nics.push_back(nic);
  return made;
}

// Two machines on "esx", room for both on "kvm", everything mapped, ground verified.
struct Example {
  Site site;
  Inventory source, target;
  Selection select;
  std::vector<Verdict> ground;
  bool source_can_cut_over = false, source_can_track = false;
  const Plan* adopt = nullptr;
  std::vector<Error> windows_lacks;
  InsideById inside;

  Example() {
    site.id = "0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11";
    site.name = "Example";
    site.digest = "5175";
    site.mappings[""].networks["VM Network"] = {"lan", 120};
    site.mappings[""].storages["datastore1"] = "default";
    source.endpoint = "esx";
    source.platform_id = "ova";
    source.storages.push_back({.id = "ds-1", .name = "datastore1"});
    source.machines = {machine("web01", 1), machine("db01", 2)};
    target.endpoint = "kvm";
    target.platform_id = "kvm-host-uuid";
    target.storages.push_back({.id = "p1", .name = "default", .free_bytes = 80 * gib});
    target.storages.push_back({.id = "p2", .name = "other", .free_bytes = 80 * gib});
    target.networks.push_back({.id = "n1", .name = "lan", .active = true});
    Host host{.id = "h1", .name = "kvm1"};
    host.cpus = 8;
    host.memory_bytes = 32 * gib;
    host.memory_free_bytes = 16 * gib;
    target.hosts.push_back(host);
    ground = {{.question = Question::place, .answer = Answer::pass, .value = "DK"},
              {.question = Question::owner, .answer = Answer::pass, .value = "Example"}};
  }

  Machine& web() { return source.machines[0]; }

  Result<Plan> try_plan() const {
    PlanInput input;
    input.site = &site;
    input.source = &source;
    input.target = &target;
    input.select = select;
    input.ground = ground;
    input.flyt_version = "0.1.0";
    input.inventory_digest = "1234";
    input.adopt = adopt;
    input.source_can_cut_over = source_can_cut_over;
    input.source_can_track = source_can_track;
    input.windows_lacks = windows_lacks;
    input.inside = inside;
    return make_plan(input);
  }
  Plan plan() const { return try_plan().value(); }
};

inline void with_secure_boot(Example& example) {
  example.web().firmware = {FirmwareKind::uefi, true, false};
  example.target.secure_boot = true;
}

inline void with_new_tpm(Example& example) {
  example.web().firmware.tpm = true;
  example.site.machines["web01"].new_tpm = true;
  example.target.new_tpm = true;
}

inline const Concern* find(const Plan& plan, std::string_view code,
                           std::string_view machine = "web01") {
  const auto found =
      std::find_if(plan.concerns.begin(), plan.concerns.end(),
                   [&](const Concern& one) { return one.code == code && one.machine == machine; });
  return found == plan.concerns.end() ? nullptr : &*found;
}

inline bool planned(const Plan& plan, std::string_view name) {
  return std::any_of(plan.machines.begin(), plan.machines.end(),
                     [&](const PlannedMachine& one) { return one.source.name == name; });
}

}  // namespace flyt::tests
