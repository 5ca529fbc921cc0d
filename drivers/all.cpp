#include "drivers/all.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/units.hpp"
#include "drivers/libvirt/libvirt.hpp"
#include "drivers/memory/memory.hpp"
#include "drivers/ova/ova.hpp"
#include "drivers/proxmox/proxmox.hpp"
#include "drivers/rvtools/rvtools.hpp"
#include "drivers/saved/saved.hpp"
#include "drivers/vsphere/vsphere.hpp"

namespace flyt {
namespace {

Error did_you_mean(std::string what, std::string_view word,
                   const std::vector<std::string_view>& known) {
  Error error{Errc::invalid, std::move(what)};
  if (const auto near = nearest(word, known); !near.empty()) {
    error.remedy.push_back(fmt::format("did you mean {}?", near));
  } else {
    error.remedy.push_back(fmt::format("known are: {}", fmt::join(known, ", ")));
  }
  return error;
}

Status check_known(const DriverEntry& entry, const EndpointConfig& config, const std::string& key,
                   bool secret) {
  std::vector<std::string_view> names;
  for (const KeyInfo& one : entry.keys) {
    names.push_back(one.name);
    if (one.name != key) continue;
    if (one.secret == secret) return ok();
    Error error{Errc::invalid, fmt::format("endpoint {}: {} is {}a secret", config.name, key,
                                           one.secret ? "" : "not ")};
    error.remedy.push_back(one.secret ? fmt::format("{} = {{ file = \"...\" }}", key)
                                      : fmt::format("{} = \"...\"", key));
    return error;
  }
  return did_you_mean(
      fmt::format("endpoint {}: the driver {} has no key {}", config.name, entry.name, key), key,
      names);
}

Status check_keys(const DriverEntry& entry, const EndpointConfig& config) {
  for (const auto& value : config.values) {
    FLYT_TRY(check_known(entry, config, value.first, false));
  }
  for (const auto& secret : config.secrets) {
    FLYT_TRY(check_known(entry, config, secret.first, true));
  }
  for (const KeyInfo& key : entry.keys) {
    const std::string name(key.name);
    if (!key.required || config.values.contains(name) || config.secrets.contains(name)) continue;
    Error error{Errc::invalid,
                fmt::format("endpoint {}: the key {} is missing", config.name, name)};
    error.why = fmt::format("{}: {}", name, key.help);
    return error;
  }
  return ok();
}

}  // namespace

std::span<const DriverEntry> all_drivers() {
  static const std::array entries{
      DriverEntry{"libvirt", "QEMU and KVM machines, on this host or by ssh", virt::keys(),
                  virt::open},
      DriverEntry{"memory", "a platform in a folder, for tests and trials", memory::keys(),
                  memory::open},
      DriverEntry{"ova", "packages that VMware exports: OVA and OVF, read only", ova::keys(),
                  ova::open},
      DriverEntry{"proxmox", "Proxmox VE, a node or a cluster", proxmox::keys(), proxmox::open},
      DriverEntry{"rvtools", "an export of RVTools, for plans without a connection",
                  rvtools::keys(), rvtools::open},
      DriverEntry{"saved", "an inventory that was saved, for plans without a connection",
                  saved::keys(), saved::open},
      DriverEntry{"vsphere", "VMware vCenter and ESXi, as a source", vsphere::keys(),
                  vsphere::open},
  };
  return entries;
}

Result<std::unique_ptr<Driver>> open_driver(const EndpointConfig& config, const Call& call) {
  std::vector<std::string_view> names;
  for (const DriverEntry& entry : all_drivers()) {
    names.push_back(entry.name);
    if (entry.name != config.driver) continue;
    FLYT_TRY(check_keys(entry, config));
    return within(fmt::format("endpoint {}", config.name), entry.open(config, call));
  }
  return did_you_mean(fmt::format("endpoint {}: there is no driver {}", config.name, config.driver),
                      config.driver, names);
}

}  // namespace flyt
