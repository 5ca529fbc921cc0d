#include "drivers/vsphere/vsphere.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "base/uri.hpp"
#include "base/version.hpp"
#include "drivers/vsphere/disks.hpp"
#include "drivers/vsphere/inventory.hpp"
#include "drivers/vsphere/power.hpp"
#include "drivers/vsphere/snapshots.hpp"

namespace flyt::vsphere {
namespace {

constexpr unsigned calls_at_once = 8;

Ref machine_ref(const std::string& id) { return {"VirtualMachine", id}; }

class VsphereDriver final : public Driver {
 public:
  VsphereDriver(EndpointConfig config, ServerConfig server, ReadPolicy policy, ReadLimits limits)
      : config_(std::move(config)),
        session_(std::move(server)),
        policy_(std::move(policy)),
        places_(limits) {}

  DriverInfo info() const override {
    return {"vsphere",
            std::string(version()),
            {Capability::observe, Capability::view, Capability::tracking, Capability::read,
             Capability::power},
            calls_at_once};
  }

  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    FLYT_ASSIGN(Inventory found, read_inventory(session_, surroundings_, scope, policy_, call));
    found.endpoint = config_.name;
    return found;
  }

  Result<Observation> observe(const std::string& machine, const Call& call) override {
    return vsphere::observe(session_, machine_ref(machine), call);
  }

  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    return vsphere::set_power(session_, machine_ref(machine), change, call);
  }

  Status set_tracking(const std::string& machine, bool on, const Call& call) override {
    return vsphere::set_tracking(session_, unconsolidated_, machine_ref(machine), on, call);
  }

  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    return vsphere::make_view(session_, spec, call);
  }

  Status drop_view(const ViewSpec& spec, const Call& call) override {
    return vsphere::drop_view(session_, unconsolidated_, spec, call);
  }

  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return open_disk(session_, places_, spec, policy_, call);
  }

 private:
  const EndpointConfig config_;
  Session session_;
  KnownSurroundings surroundings_;
  Unconsolidated unconsolidated_;
  const ReadPolicy policy_;
  ReadPlaces places_;
};

std::string value_of(const EndpointConfig& config, const std::string& key) {
  const auto found = config.values.find(key);
  return found == config.values.end() ? std::string() : found->second;
}

// Scheme, host and port; what users copy from their browser has a path.
Result<std::string> server_url(const std::string& written) {
  FLYT_ASSIGN(const Uri uri, within("url", Uri::parse(written)));
  if (uri.scheme != "https" || uri.host.empty()) {
    return Error{Errc::invalid,
                 fmt::format("url = \"{}\": vSphere is reached by https", written),
                 {},
                 {},
                 {},
                 {"url = \"https://HOST/\" names a vCenter or an ESXi host"}};
  }
  Uri server;
  server.scheme = uri.scheme;
  server.host = uri.host;
  server.port = uri.port;
  return server.text();
}

Result<ReadPolicy> read_policy(const EndpointConfig& config) {
  ReadPolicy policy;
  const std::string wished = value_of(config, "transport");
  FLYT_ASSIGN(policy.wanted, transport_from(wished.empty() ? "auto" : wished));
  policy.connections = config.limits.connections;
  if (const auto libdir = value_of(config, "vddk_libdir"); !libdir.empty()) {
    policy.vddk.libdir = config.folder / libdir;
  }
  if (const auto nbdkit = value_of(config, "nbdkit"); !nbdkit.empty()) {
    const bool on_path = nbdkit.find('/') == std::string::npos;
    policy.vddk.nbdkit = on_path ? nbdkit : (config.folder / nbdkit).lexically_normal().native();
  }
  if (policy.wanted == Transport::vddk && policy.vddk.libdir.empty()) {
    return Error{Errc::invalid,
                 "transport = \"vddk\" needs VMware's library",
                 {},
                 {},
                 {},
                 {"say where it is unpacked: vddk_libdir = \"/opt/vmware-vix-disklib-distrib\""}};
  }
  return policy;
}

// How many disks are read at once; `by_default` where the site does not say.
Result<unsigned> read_limit(const EndpointConfig& config, const std::string& key,
                            unsigned by_default) {
  constexpr unsigned most = 64;
  const std::string written = value_of(config, key);
  if (written.empty()) return by_default;
  unsigned value = 0;
  const char* const end = written.data() + written.size();
  const auto [next, error] = std::from_chars(written.data(), end, value);
  if (error != std::errc() || next != end || value < 1 || value > most) {
    return Error{Errc::invalid,
                 fmt::format("{} = {}: it is a number from 1 to {}", key, written, most),
                 {},
                 {},
                 {},
                 {fmt::format("{} = {}", key, by_default)}};
  }
  return value;
}

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array known{
      KeyInfo{"url", "of a vCenter or an ESXi host: https://vcenter.example/", true},
      KeyInfo{"user", "who logs in: flyt@vsphere.local", true},
      KeyInfo{"password", "of the user", true, true},
      KeyInfo{"ca", "PEM file with the authority that signed the server's certificate"},
      KeyInfo{"fingerprint", "SHA-256 of the server's certificate, instead of an authority"},
      KeyInfo{"transport", "how disks are read: auto (default), ranges, nfc, vddk"},
      KeyInfo{"vddk_libdir", "folder of VMware's VDDK, which you have installed; default: none"},
      KeyInfo{"nbdkit", "the nbdkit that has the plugin vddk; default: the one on the PATH"},
      KeyInfo{"max_reads_per_host", "disks that are read at once from one ESXi host (default 4)"},
      KeyInfo{"max_reads_per_datastore", "the same for one datastore (default 8)"},
  };
  return known;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  ServerConfig server;
  FLYT_ASSIGN(server.url, server_url(value_of(config, "url")));
  server.user = value_of(config, "user");
  const auto password = config.secrets.find("password");
  if (password != config.secrets.end()) {
    server.password = [source = password->second, folder = config.folder](const Call& asked) {
      return resolve(source, folder, asked);
    };
  }
  if (const auto ca = value_of(config, "ca"); !ca.empty()) server.trust.ca = config.folder / ca;
  server.trust.fingerprint = value_of(config, "fingerprint");
  FLYT_ASSIGN(ReadPolicy policy, read_policy(config));
  ReadLimits limits;
  FLYT_ASSIGN(limits.per_host, read_limit(config, "max_reads_per_host", limits.per_host));
  FLYT_ASSIGN(limits.per_datastore,
              read_limit(config, "max_reads_per_datastore", limits.per_datastore));
  return std::unique_ptr<Driver>(
      std::make_unique<VsphereDriver>(config, std::move(server), std::move(policy), limits));
}

}  // namespace flyt::vsphere
