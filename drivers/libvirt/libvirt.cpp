#include "drivers/libvirt/libvirt.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/version.hpp"
#include "drivers/libvirt/attended.hpp"
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
    return {
        "libvirt", std::string(version()),
        Capabilities{Capability::observe, Capability::read, Capability::write, Capability::create,
                     Capability::update, Capability::destroy, Capability::power},
        8, context_->acceleration.uses_kvm()};
  }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return attend("reading the inventory", call,
                  [=](Context& context) { return read_inventory(context, scope, call); });
  }
  Result<Observation> observe(const std::string& machine, const Call& call) override {
    return attend("observing a machine", call,
                  [=](Context& context) { return virt::observe(context, machine, call); });
  }
  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override {
    return attend("reading a console", call,
                  [=](Context& context) { return virt::console(context, machine, after, call); });
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return attend("opening a disk", call,
                  [=](Context& context) { return open_disk(context, spec, call); });
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    return within(spec.name, attend("making the machine", call,
                                    [=](Context& context) { return create(context, spec, call); }));
  }
  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    return within(spec.name, attend("changing the machine", call, [=](Context& context) {
                    return update(context, id, spec, call);
                  }));
  }
  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    return attend("removing a machine", call,
                  [=](Context& context) { return virt::destroy(context, id, owner, call); });
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

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array<KeyInfo, 4> known{{
      {"uri", "of libvirt: qemu:///system (default), qemu:///session, qemu+unix:///system?socket="},
      {"landing", "how disks are reached: local (default), sudo"},
      {"accel", "auto (default: KVM where a kernel boots under it), kvm, tcg"},
      {"pool", "where disks are made that the mapping names no storage for (default: default)"},
  }};
  return known;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  const std::string uri = value_of(config, "uri", "qemu:///system");
  if (!uri.starts_with("qemu:///") && !uri.starts_with("qemu+unix:///")) {
    return Error{Errc::invalid,
                 "uri = \"" + uri + "\": only QEMU on this machine can be reached",
                 "",
                 "disks are only reached where flyt runs",
                 "",
                 {"run flyt on the hypervisor itself, with uri = \"qemu:///system\""}};
  }
  FLYT_ASSIGN(LandingHost landing, landing_host(value_of(config, "landing", "local")));
  FLYT_ASSIGN(const Accel accel, accel_from(value_of(config, "accel", "auto")));
  auto context = std::make_shared<Context>(config, uri, std::move(landing), accel);
  context->default_pool = value_of(config, "pool", "default");
  return std::unique_ptr<Driver>(std::make_unique<LibvirtDriver>(std::move(context)));
}

}  // namespace flyt::virt
