// What libvirt's descriptions of pools, volumes, networks and the host say. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt::virt {

struct PoolFacts {
  std::string uuid, name, type, path;
  std::optional<std::uint64_t> capacity, available;
  bool holds_files() const { return type == "dir" || type == "fs" || type == "netfs"; }
};
Result<PoolFacts> parse_pool(std::string_view xml);

struct VolumeFacts {
  std::string name, key, path, type, format, backing;
  std::uint64_t capacity = 0, allocation = 0;
  std::string modified, changed;  // seconds, with nanoseconds
};
Result<VolumeFacts> parse_volume(std::string_view xml);

struct NetworkFacts {
  std::string uuid, name, bridge;
  std::string forward;  // "nat", "route", "bridge", ...; empty: isolated
  bool open_vswitch = false;
};
Result<NetworkFacts> parse_network(std::string_view xml);

struct CapabilityFacts {
  std::string host_uuid, architecture;
  bool kvm = false;  // for the host's own architecture
};
Result<CapabilityFacts> parse_capabilities(std::string_view xml);

// Whether the host emulates a TPM 2.0 as build_domain() asks for it, by its <domainCapabilities>.
bool emulates_tpm(std::string_view xml);

// A sparse file of `bytes`.
std::string build_volume(const std::string& name, const std::string& format, std::uint64_t bytes);

}  // namespace flyt::virt
