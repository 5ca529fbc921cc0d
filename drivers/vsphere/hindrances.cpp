#include "drivers/vsphere/hindrances.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "base/shell_word.hpp"
#include "base/units.hpp"
#include "base/uri.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/properties.hpp"
#include "drivers/vsphere/reach.hpp"
#include "drivers/vsphere/rights.hpp"
#include "drivers/vsphere/vddk.hpp"

namespace flyt::vsphere {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

constexpr std::size_t hosts_at_once = 16, hosts_shown = 3;
// What certificates, tickets and logs stand. Kerberos gives up at five minutes.
constexpr seconds clock_tolerance{60};

void judge_clock(const std::string& whose, std::chrono::seconds ahead, Inventory& found) {
  if (ahead >= -clock_tolerance && ahead <= clock_tolerance) return;
  found.findings.push_back(
      {fmt::format("the clock of {} is {} {} ours: times in logs and evidence disagree, and guests "
                   "may start with a wrong clock",
                   whose, format_duration(ahead.count() < 0 ? -ahead : ahead),
                   ahead.count() < 0 ? "behind" : "ahead of"),
       {"set both by NTP; here: timedatectl status"},
       false});
}

Status look_at_clock(Session& session, Inventory& found, const Call& call) {
  const auto before = system_clock::now();
  auto reply = session.call("CurrentTime", {"ServiceInstance", "ServiceInstance"}, {},
                            "asking for the time", call);
  const auto here = before + (system_clock::now() - before) / 2;
  if (!reply) return proceed(call, "asking for the time");
  const auto there = soap_time(xml_text(reply->value()));
  if (there) {
    judge_clock(session.config().url, std::chrono::round<seconds>(*there - here), found);
  }
  return ok();
}

// Disks of its machines that are read by export leases or by VDDK, for which it must be reached.
std::map<std::string, std::size_t> disks_by_host(const Inventory& inventory, const VddkUse& vddk) {
  std::map<std::string, std::size_t> all = vddk.disks;
  for (const Machine& machine : inventory.machines) {
    for (const Disk& disk : machine.disks) {
      if (disk.stream_only && disk.left_out.empty()) ++all[machine.host];
    }
  }
  return all;
}

std::vector<Reach> reach_all(const std::vector<Host>& hosts, const VddkUse& vddk,
                             const std::filesystem::path& ca, const Call& call) {
  std::vector<Reach> seen(hosts.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < hosts.size(); i = next++) {
      if (call.stop.stop_requested()) return;
      Uri url;
      url.scheme = "https";
      url.host = hosts[i].name;
      seen[i] = look_at_server(url.text() + "/", ca, call);
      if (seen[i].error || !vddk.disks.contains(hosts[i].id)) continue;
      if (const Status open = try_vddk_port(hosts[i].name, call); !open) {
        seen[i].vddk = open.error();
      }
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min(hosts.size(), hosts_at_once); ++i) {
    threads.emplace_back(work);
  }
  threads.clear();
  return seen;
}

// A host without which disks cannot be read.
Finding unreached(const Host& host, const Error& error, std::size_t disks) {
  return {
      fmt::format("the host {} does not answer by the name that vCenter gives it: {}{}; {} of "
                  "its disks can only be read there",
                  host.name, error.what, error.seen.empty() ? "" : ": " + error.seen, disks),
      {"let this machine resolve that name and reach TCP port 443 of the host, and 902 for VDDK:",
       fmt::format("getent hosts {}", host.name)}};
}

Finding closed_port(const std::string& host, const Error& error, std::size_t disks) {
  return {fmt::format(
              "port 902 of {} does not answer ({}); {} of its disks {} to be read there, by "
              "VDDK",
              host, error.seen.empty() ? error.what : error.seen, disks, disks == 1 ? "is" : "are"),
          {"let this machine reach TCP port 902 of the host:",
           fmt::format("nc -vz {} 902", shell_word(host))}};
}

// Hosts of which only export leases and VDDK would need an answer, and no disk there is read so.
void tell_idle(const std::vector<std::string>& names, Inventory& found) {
  if (names.empty()) return;
  const std::size_t shown = std::min(names.size(), hosts_shown);
  std::string text =
      fmt::format("the {} {}", names.size() == 1 ? "host" : "hosts",
                  fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  text += names.size() == 1 ? " does not answer by the name that vCenter gives it"
                            : " do not answer by the names that vCenter gives them";
  found.findings.push_back(
      {text + "; no disk there is read by an export lease or by VDDK, which alone would need it",
       {"nothing to do: flyt reads these disks through vCenter"},
       false});
}

Status look_at_hosts(const ServerConfig& server, const VddkUse& vddk, Inventory& found,
                     const Call& call) {
  const auto needed = disks_by_host(found, vddk);
  const std::vector<Reach> seen = reach_all(found.hosts, vddk, server.trust.ca, call);
  FLYT_TRY(proceed(call, "looking at hosts"));
  std::vector<std::string> untrusted, idle;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const Host& host = found.hosts[i];
    const auto its = needed.find(host.id);
    const std::size_t disks = its == needed.end() ? 0 : its->second;
    if (seen[i].error && disks == 0) idle.push_back(host.name);
    if (seen[i].error && disks != 0) {
      found.findings.push_back(unreached(host, *seen[i].error, disks));
    }
    if (seen[i].vddk) {
      found.findings.push_back(closed_port(host.name, *seen[i].vddk, vddk.disks.at(host.id)));
    }
    if (seen[i].ahead) judge_clock(host.name, *seen[i].ahead, found);
    if (!seen[i].untrusted.empty() && disks != 0) {
      untrusted.push_back(fmt::format("{} (SHA-256 {})", host.name, seen[i].untrusted));
    }
  }
  tell_idle(idle, found);
  if (untrusted.empty()) return ok();
  found.findings.push_back(
      {fmt::format("the certificate of {} is not accepted here", fmt::join(untrusted, ", ")),
       {"up to vSphere 8 nothing has to be done; from vSphere 9 on, give flyt vCenter's CA:",
        fmt::format("ca = \"vcenter-ca.pem\"   # from {}/certs/download.zip", server.url)},
       false});
  return ok();
}

// A single ESXi is the host that VDDK reads from.
Status look_at_own_port(const ServerConfig& server, const VddkUse& vddk, Inventory& found,
                        const Call& call) {
  if (vddk.disks.empty()) return ok();
  FLYT_ASSIGN(const Uri url, Uri::parse(server.url));
  const Status open = try_vddk_port(url.host, call);
  FLYT_TRY(proceed(call, "looking at the host"));
  if (open) return ok();
  const std::size_t disks = vddk.all_disks();
  found.findings.push_back(closed_port(url.host, open.error(), disks));
  return ok();
}

// A vCenter needs a licence to be one. The free ESXi answers, and refuses every change.
Status look_at_licence(Session& session, Inventory& found, const Call& call) {
  FLYT_ASSIGN(const Service service, session.service(call));
  if (service.vcenter || service.licences.empty()) return ok();
  const auto take = [&found](const Object& object) -> Status {
    for (const pugi::xml_node one : object.at("licenses").children()) {
      if (xml_child_text(one, "editionKey") != "esxBasic") continue;
      found.findings.push_back(
          {fmt::format("the licence \"{}\" allows only reading: no snapshot can be taken and no "
                       "machine be switched off or on",
                       xml_child_text(one, "name")),
           {"shut machines down by hand before they are copied, or use a licensed ESXi"},
           false});
    }
    return ok();
  };
  // Who may not see licences still sees machines.
  const Status looked =
      each_of(session, {service.licences}, {"LicenseManager", {"licenses"}}, take, call);
  return looked ? ok() : proceed(call, "looking at licences");
}

Status judge_vddk(const VddkUse& use, Inventory& found, const Call& call) {
  if (use.setup.libdir.empty()) return ok();
  auto version = look_at_vddk(use.setup, call);
  if (version) {
    found.notes.push_back(*std::move(version));
    return ok();
  }
  FLYT_TRY(proceed(call, "looking at VDDK"));
  const Error& error = version.error();
  std::string text = fmt::format("{}{}", error.what, error.seen.empty() ? "" : ": " + error.seen);
  const std::size_t disks = use.all_disks();
  if (disks != 0) {
    text += fmt::format("; {} {} to be read by VDDK", disks, disks == 1 ? "disk is" : "disks are");
  }
  found.findings.push_back({std::move(text), error.remedy, disks != 0});
  return ok();
}

}  // namespace

std::size_t VddkUse::all_disks() const {
  std::size_t all = 0;
  for (const auto& [host, count] : disks) all += count;
  return all;
}

Status find_hindrances(Session& session, const VddkUse& vddk, Inventory& found, const Call& call) {
  FLYT_ASSIGN(found.findings, missing_rights(session, found, call));
  FLYT_ASSIGN(const Service service, session.service(call));
  FLYT_TRY(service.vcenter ? look_at_hosts(session.config(), vddk, found, call)
                           : look_at_own_port(session.config(), vddk, found, call));
  FLYT_TRY(look_at_clock(session, found, call));
  FLYT_TRY(judge_vddk(vddk, found, call));
  return look_at_licence(session, found, call);
}

}  // namespace flyt::vsphere
