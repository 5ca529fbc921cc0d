// What all parts of the driver work with.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/site.hpp"
#include "drivers/proxmox/api.hpp"
#include "drivers/proxmox/cluster.hpp"
#include "drivers/proxmox/console.hpp"
#include "drivers/proxmox/opened.hpp"
#include "drivers/shared/kept_files.hpp"
#include "drivers/shared/landing.hpp"
#include "drivers/shared/staging.hpp"

namespace flyt::proxmox {

// How disks are reached.
enum class Way : std::uint8_t { none, ssh, ssh_sudo, api };
constexpr bool by_ssh(Way way) { return way == Way::ssh || way == Way::ssh_sudo; }

struct Settings {
  std::string node;  // where machines are made; empty: the one with the most room
  std::string pool;  // new machines are put into; empty: none
  std::string cpu;   // processor model of new machines; empty: cpu_baseline()
  bool kvm = true;   // false: new machines are emulated
  unsigned vmid_first = 100, vmid_last = 999999999;
  Way way = Way::none;
  std::string ssh = "root@{address}";        // {address}, {node}: of the node
  std::string ssh_config;                    // for `ssh -F`; empty: the user's own
  std::string import_storage;                // takes uploads; empty: the one with the most room
  std::map<std::string, std::string> sites;  // by node: where it stands
};

struct Context {
  Context(EndpointConfig endpoint, Settings chosen, std::vector<Entry> entries, Login login)
      : config(std::move(endpoint)),
        settings(std::move(chosen)),
        api(std::move(entries), std::move(login)),
        consoles(config.state / "consoles" / config.name),
        opened(config.state / "opened" / config.name),
        staging(config.state),
        kept(config.state / "kept" / config.name) {}

  const EndpointConfig config;
  const Settings settings;
  Api api;
  Consoles consoles;
  Opened opened;
  const Staging staging;                     // where disks are written that the API takes whole
  const KeptFiles kept;                      // volumes without a machine that migrations made
  std::mutex reaching;                       // guards `hosts`
  std::map<std::string, LandingHost> hosts;  // by node, once somebody has asked for a disk there
  std::mutex enrolling;                      // one machine at a time is put into jobs and rules
  std::mutex making;  // one machine at a time: numbers, names and migrations are compared first
};

}  // namespace flyt::proxmox
