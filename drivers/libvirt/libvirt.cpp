#include "drivers/libvirt/libvirt.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bare_volume.hpp"
#include "base/uri.hpp"
#include "base/version.hpp"
#include "drivers/libvirt/attended.hpp"
#include "drivers/libvirt/bare.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/machines.hpp"

namespace flyt::virt {
namespace {

class LibvirtDriver final : public Driver {
  std::shared_ptr<Context> context_;

  template <typename Work>
  auto attend(std::string_view what, const Call& call, Work work) {
    return attended(what, call, [context = context_, work] { return work(*context); });
  }

 public:
  explicit LibvirtDriver(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  DriverInfo info() const override {
    return {"libvirt", std::string(version()),
            Capabilities{Capability::observe, Capability::read, Capability::write,
                         Capability::create, Capability::update, Capability::destroy,
                         Capability::power, Capability::volumes, Capability::introduce},
            8, context_->acceleration.uses_kvm()};
  }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return attend("reading the inventory", call,
                  [=](Context& context) { return read_inventory(context, scope, call); });
  }
  Result<Observation> observe(const std::string& machine, const Call& call) override {
    return attend("observing a machine", call, [=](Context& context) {
      if (!bare_volume_of(machine)) return virt::observe(context, machine, call);
      const auto there = find_bare(context, machine, call);
      return there ? Result(Observation{.power = Power::off}) : Result<Observation>(there.error());
    });
  }
  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override {
    return attend("reading a console", call,
                  [=](Context& context) { return virt::console(context, machine, after, call); });
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return attend("opening a disk", call, [=](Context& context) {
      const bool bare = bare_volume_of(spec.machine).has_value();
      return bare ? open_bare(context, spec, call) : open_disk(context, spec, call);
    });
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    return within(spec.name, attend("making the machine", call, [=](Context& context) {
                    return spec.bare.empty() ? create(context, spec, call)
                                             : create_bare(context, spec, call);
                  }));
  }
  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    return within(spec.name, attend("changing the machine", call, [=](Context& context) {
                    return update(context, id, spec, call);
                  }));
  }
  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    return attend("removing a machine", call, [=](Context& context) -> Status {
      // Begun, and its id never told.
      FLYT_ASSIGN(const auto kept, context.kept.find(owner.id));
      const std::string which = id.empty() && kept ? bare_id(kept->volume.id) : id;
      return bare_volume_of(which) ? destroy_bare(context, which, owner, call)
                                   : virt::destroy(context, id, owner, call);
    });
  }
  Result<Machine> publish(const std::string& id, const MachineSpec& spec,
                          const Call& call) override {
    if (!bare_volume_of(id)) return Driver::publish(id, spec, call);
    return within(spec.name, attend("handing over a volume", call, [=](Context& context) {
                    return publish_bare(context, spec, call);
                  }));
  }
  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    return attend("switching a machine", call, [=](Context& context) {
      return virt::set_power(context, machine, change, call);
    });
  }
};

std::string value_of(const EndpointConfig& config, const char* key, const char* otherwise) {
  const auto found = config.values.find(key);
  return found == config.values.end() ? otherwise : found->second;
}

// Where libvirtd, or virtqemud where there is none, listens.
constexpr std::array<const char*, 2> daemon_sockets{"/run/libvirt/libvirt-sock",
                                                    "/run/libvirt/virtqemud-sock"};

// The way that the endpoint is reached.
struct Way {
  std::optional<FarDaemon> far;  // none: the daemon is on this machine
  LandingHost landing;
};

Error wrong_uri(const std::string& uri, const char* why, std::vector<std::string> remedy) {
  return {Errc::invalid, "uri = \"" + uri + "\" cannot be used", "", why, "", std::move(remedy)};
}

Result<FarDaemon> far_daemon(const std::string& text, const std::filesystem::path& ssh_config) {
  FLYT_ASSIGN(Uri uri, within("uri = \"" + text + "\"", Uri::parse(text)));
  if (uri.path != "/system") {
    return wrong_uri(text, "by ssh only the daemon of a whole host is reached",
                     {"uri = \"qemu+ssh://USER@HOST/system\""});
  }
  FarDaemon far;
  constexpr std::string_view socket = "socket=";
  if (uri.query.starts_with(socket) && uri.query.find('&') == std::string::npos) {
    const auto path = percent_decode(std::string_view(uri.query).substr(socket.size()));
    if (!path || !path->starts_with('/') || path->find(':') != std::string::npos) {
      return wrong_uri(text, "socket= is no path that ssh takes", {});
    }
    far.sockets = {*path};
  } else if (uri.query.empty()) {
    far.sockets.assign(daemon_sockets.begin(), daemon_sockets.end());
  } else {
    return wrong_uri(text, "of libvirt's parameters only socket= is known by ssh",
                     {"put what ssh needs into its configuration, or into the file that ssh_config "
                      "names"});
  }
  Ssh ssh{uri.user, uri.host, uri.port};
  ssh.config = ssh_config;
  FLYT_ASSIGN(far.host, within("uri = \"" + text + "\"", ssh_landing(std::move(ssh))));
  return far;
}

Result<Way> way_to(const EndpointConfig& config, const std::string& uri) {
  std::filesystem::path ssh_config = value_of(config, "ssh_config", "");
  if (!ssh_config.empty()) {
    std::error_code failed;
    ssh_config = std::filesystem::absolute(config.folder / ssh_config, failed);
  }
  Way way;
  const bool far = uri.starts_with("qemu+ssh://");
  std::string landing = value_of(config, "landing", far ? "ssh" : "local");
  if (far) {
    FLYT_ASSIGN(way.far, far_daemon(uri, ssh_config));
    if (landing == "local" || landing == "sudo") {
      return Error{
          Errc::invalid,
          "landing = \"" + landing + "\": the disks of " + uri + " are not on this machine",
          "",
          "",
          "",
          {"leave landing out, or say \"ssh+sudo\" where only root may open them"}};
    }
    // The same host, without saying its name twice.
    if (landing == "ssh" || landing == "ssh+sudo") {
      FLYT_ASSIGN(way.landing, ssh_landing(*way.far->host.ssh, landing == "ssh+sudo"));
      return way;
    }
  } else if (!uri.starts_with("qemu:///") && !uri.starts_with("qemu+unix:///")) {
    return wrong_uri(uri, "only QEMU is reached, on this machine or by ssh",
                     {"uri = \"qemu:///system\" or \"qemu+ssh://USER@HOST/system\""});
  }
  FLYT_ASSIGN(way.landing, landing_host(landing, ssh_config));
  return way;
}

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array<KeyInfo, 5> known{{
      {"uri", "qemu:///system (default), qemu:///session, qemu+ssh://USER@HOST/system"},
      {"landing", "who opens disks: local (default), sudo; by qemu+ssh: ssh (default), ssh+sudo"},
      {"ssh_config", "a file for ssh in place of your own configuration (ssh -F)"},
      {"accel", "auto (default: KVM where a kernel boots under it), kvm, tcg"},
      {"pool", "where disks are made that the mapping names no storage for (default: default)"},
  }};
  return known;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  const std::string uri = value_of(config, "uri", "qemu:///system");
  FLYT_ASSIGN(Way way, way_to(config, uri));
  FLYT_ASSIGN(const Accel accel, accel_from(value_of(config, "accel", "auto")));
  auto context =
      std::make_shared<Context>(config, uri, std::move(way.far), std::move(way.landing), accel);
  context->default_pool = value_of(config, "pool", "default");
  return std::unique_ptr<Driver>(std::make_unique<LibvirtDriver>(std::move(context)));
}

}  // namespace flyt::virt
