#include "drivers/proxmox/proxmox.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "base/bare_volume.hpp"
#include "base/uri.hpp"
#include "base/version.hpp"
#include "drivers/proxmox/bare.hpp"
#include "drivers/proxmox/enrol.hpp"
#include "drivers/proxmox/inventory.hpp"
#include "drivers/proxmox/land.hpp"
#include "drivers/proxmox/machines.hpp"
#include "drivers/proxmox/property_string.hpp"
#include "drivers/proxmox/views.hpp"

namespace flyt::proxmox {
namespace {

constexpr unsigned calls_at_once = 8;
constexpr unsigned usual_port = 8006;

class ProxmoxDriver final : public Driver {
 public:
  ProxmoxDriver(EndpointConfig config, Settings settings, std::vector<Entry> entries, Login login)
      : context_(std::move(config), std::move(settings), std::move(entries), std::move(login)) {}

  DriverInfo info() const override {
    Capabilities can{Capability::observe, Capability::create, Capability::update,
                     Capability::destroy, Capability::power,  Capability::templates,
                     Capability::grow,    Capability::enrol,  Capability::introduce};
    if (context_.settings.way == Way::api) {
      can = {Capability::observe,   Capability::read,    Capability::write,    Capability::create,
             Capability::update,    Capability::destroy, Capability::power,    Capability::land,
             Capability::templates, Capability::enrol,   Capability::introduce};
    } else if (by_ssh(context_.settings.way)) {
      can = {Capability::observe,  Capability::view,    Capability::read,      Capability::write,
             Capability::create,   Capability::update,  Capability::grow,      Capability::destroy,
             Capability::power,    Capability::volumes, Capability::templates, Capability::enrol,
             Capability::introduce};
    }
    return {"proxmox", std::string(version()), can, calls_at_once};
  }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return read_inventory(context_, scope, call);
  }
  Result<Observation> observe(const std::string& machine, const Call& call) override {
    if (!bare_volume_of(machine)) return proxmox::observe(context_, machine, call);
    FLYT_TRY(find_bare(context_, machine, call));
    return Observation{.power = Power::off};
  }
  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    if (!by_ssh(context_.settings.way)) return Driver::make_view(spec, call);
    return proxmox::make_view(context_, spec, call);
  }
  Status drop_view(const ViewSpec& spec, const Call& call) override {
    if (!by_ssh(context_.settings.way)) return Driver::drop_view(spec, call);
    return proxmox::drop_view(context_, spec, call);
  }
  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override {
    return proxmox::console(context_, machine, after, call);
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return bare_volume_of(spec.machine) ? open_bare(context_, spec, call)
                                        : open_disk(context_, spec, call);
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    const bool bare = !spec.bare.empty() && by_ssh(context_.settings.way);
    return within(spec.name,
                  bare ? create_bare(context_, spec, call) : create(context_, spec, call));
  }
  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    return within(spec.name, update(context_, id, spec, call));
  }
  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call) override {
    if (context_.settings.way != Way::api) return Driver::land(spec, call);
    return proxmox::land(context_, spec, call);
  }
  Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted, const Owner& owner,
                          const Call& call) override {
    return proxmox::enrol(context_, machine, wanted, owner, call);
  }
  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    // Begun, and its id never told.
    FLYT_ASSIGN(const auto kept, context_.kept.find(owner.id));
    const std::string which = id.empty() && kept ? bare_id(kept->volume.id) : id;
    return bare_volume_of(which) ? destroy_bare(context_, which, owner, call)
                                 : proxmox::destroy(context_, id, owner, call);
  }
  Result<Machine> publish(const std::string& id, const MachineSpec& spec,
                          const Call& call) override {
    if (!bare_volume_of(id)) return within(spec.name, make_template(context_, id, spec, call));
    if (!by_ssh(context_.settings.way)) return Driver::publish(id, spec, call);
    return within(spec.name, publish_bare(context_, spec, call));
  }
  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    return proxmox::set_power(context_, machine, change, call);
  }

 private:
  Context context_;
};

std::string value_of(const EndpointConfig& config, const std::string& key,
                     const std::string& otherwise = {}) {
  const auto found = config.values.find(key);
  return found == config.values.end() ? otherwise : found->second;
}

Error wrong(std::string what, std::string remedy) {
  return {Errc::invalid, std::move(what), {}, {}, {}, {std::move(remedy)}};
}

// "https://pve1.example:8006" of what users copy from their browser; several, separated by spaces
// or commas.
Result<std::vector<Entry>> entries_of(const EndpointConfig& config) {
  HttpTrust trust;
  if (const auto ca = value_of(config, "ca"); !ca.empty()) trust.ca = config.folder / ca;
  trust.fingerprint = value_of(config, "fingerprint");
  std::vector<Entry> entries;
  const std::string written = value_of(config, "url");
  for (std::size_t from = 0; from < written.size();) {
    const auto end = std::min(written.find_first_of(" ,", from), written.size());
    const std::string one = written.substr(from, end - from);
    from = end + 1;
    if (one.empty()) continue;
    FLYT_ASSIGN(const Uri uri, within("url", Uri::parse(one)));
    if (uri.scheme != "https" || uri.host.empty()) {
      return wrong(fmt::format("url = \"{}\": Proxmox VE is reached by https", one),
                   "url = \"https://HOST:8006/\" names a node");
    }
    Uri server;
    server.scheme = uri.scheme;
    server.host = uri.host;
    server.port = uri.port.value_or(usual_port);
    entries.push_back({server.text(), trust});
  }
  if (entries.empty()) return wrong("url is empty", "url = \"https://HOST:8006/\" names a node");
  return entries;
}

Result<Login> login_of(const EndpointConfig& config) {
  Login login{value_of(config, "token"), value_of(config, "user"), {}};
  if (login.token.empty() == login.user.empty()) {
    return wrong("an endpoint needs either token or user",
                 "token = \"flyt@pve!move\", and secret = { file = \"...\" } with its value");
  }
  const std::string key = login.token.empty() ? "password" : "secret";
  const auto at = login.token.empty() ? login.user.find('@') : login.token.find('@');
  const auto mark = login.token.find('!');
  if (at == std::string::npos ||
      (!login.token.empty() && (mark == std::string::npos || mark < at))) {
    return wrong(fmt::format("\"{}\" names nobody", login.token.empty() ? login.user : login.token),
                 "token = \"USER@REALM!NAME\", or user = \"USER@REALM\"");
  }
  const auto source = config.secrets.find(key);
  if (source == config.secrets.end()) {
    return wrong(fmt::format("{} is missing", key), key + " = { file = \"...\" }");
  }
  login.secret = [secret = source->second, folder = config.folder](const Call& call) {
    return resolve(secret, folder, call);
  };
  return login;
}

Result<unsigned> number_of(std::string_view text) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  constexpr unsigned least = 100, most = 999999999;
  if (error != std::errc() || last != end || value < least || value > most) {
    return wrong(fmt::format("vmids: {} is no number of a machine", text), "vmids = \"9000-9999\"");
  }
  return value;
}

// "pve1=Aarhus, pve2=Odense"
Result<std::map<std::string, std::string>> sites_of(const std::string& text) {
  std::map<std::string, std::string> sites;
  for (std::string one : words_of(text, ",")) {
    one.erase(0, one.find_first_not_of(' '));
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == one.size()) {
      return wrong(fmt::format("sites: \"{}\" is no node and its site", one),
                   "sites = \"pve1=Aarhus, pve2=Odense\"");
    }
    sites[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return sites;
}

Result<Settings> settings_of(const EndpointConfig& config) {
  Settings settings;
  settings.node = value_of(config, "node");
  settings.pool = value_of(config, "pool");
  settings.cpu = value_of(config, "cpu");
  settings.ssh = value_of(config, "ssh", settings.ssh);
  settings.import_storage = value_of(config, "import_storage");
  FLYT_ASSIGN(settings.sites, sites_of(value_of(config, "sites")));
  if (const auto file = value_of(config, "ssh_config"); !file.empty()) {
    settings.ssh_config = (config.folder / file).lexically_normal().native();
  }
  const std::string way = value_of(config, "landing", "none");
  if (way == "ssh") {
    settings.way = Way::ssh;
  } else if (way == "ssh+sudo") {
    settings.way = Way::ssh_sudo;
  } else if (way == "api") {
    settings.way = Way::api;
  } else if (way != "none") {
    return wrong(fmt::format("landing = \"{}\": there is no such way", way),
                 "landing = \"ssh\", \"ssh+sudo\", \"api\" or \"none\"");
  }
  const std::string accel = value_of(config, "accel", "kvm");
  if (accel != "kvm" && accel != "tcg") {
    return wrong(fmt::format("accel = \"{}\": there is no such way", accel),
                 "accel = \"kvm\" or \"tcg\"");
  }
  settings.kvm = accel == "kvm";
  if (const std::string range = value_of(config, "vmids"); !range.empty()) {
    const auto dash = range.find('-');
    FLYT_ASSIGN(settings.vmid_first, number_of(range.substr(0, dash)));
    FLYT_ASSIGN(settings.vmid_last,
                number_of(dash == std::string::npos ? range : range.substr(dash + 1)));
    if (settings.vmid_last < settings.vmid_first) {
      return wrong(fmt::format("vmids = \"{}\" is empty", range), "vmids = \"9000-9999\"");
    }
  }
  return settings;
}

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array known{
      KeyInfo{"url", "of a node: https://pve1.example:8006/; more nodes after a space", true},
      KeyInfo{"token", "who asks: \"flyt@pve!move\"; its value is `secret`"},
      KeyInfo{"secret", "the token's value", false, true},
      KeyInfo{"user", "who logs in, instead of a token: root@pam"},
      KeyInfo{"password", "of that user", false, true},
      KeyInfo{"ca", "PEM file of the cluster's authority, /etc/pve/pve-root-ca.pem"},
      KeyInfo{"fingerprint", "SHA-256 of the node's certificate, instead of an authority"},
      KeyInfo{"landing", "how disks are reached: none (default), ssh, ssh+sudo, api"},
      KeyInfo{"ssh", "where ssh goes (default: root@{address}); {node} is the node's name"},
      KeyInfo{"ssh_config", "file for `ssh -F`, instead of the user's own configuration"},
      KeyInfo{"import_storage", "takes uploads, with `landing = api` (default: the most room)"},
      KeyInfo{"node", "where machines are made (default: the node with the most room)"},
      KeyInfo{"sites", "where nodes stand: pve1=Aarhus, pve2=Odense"},
      KeyInfo{"vmids", "range of numbers for new machines: 9000-9999 (default: from 100)"},
      KeyInfo{"pool", "resource pool of new machines"},
      KeyInfo{"cpu", "processor model of new machines (default: what all nodes have)"},
      KeyInfo{"accel", "of new machines: kvm (default), tcg"},
  };
  return known;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  FLYT_ASSIGN(std::vector<Entry> entries, entries_of(config));
  FLYT_ASSIGN(Login login, login_of(config));
  FLYT_ASSIGN(Settings settings, settings_of(config));
  return std::unique_ptr<Driver>(std::make_unique<ProxmoxDriver>(
      config, std::move(settings), std::move(entries), std::move(login)));
}

}  // namespace flyt::proxmox
