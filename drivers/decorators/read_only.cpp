#include "drivers/decorators/read_only.hpp"

#include <fmt/format.h>

#include <utility>

namespace flyt {
namespace {

class ReadOnly final : public Driver {
 public:
  explicit ReadOnly(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}

  DriverInfo info() const override { return driver_->info(); }

  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return driver_->inventory(scope, call);
  }

  Result<Observation> observe(const std::string& machine, const Call& call) override {
    return driver_->observe(machine, call);
  }

  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override {
    return driver_->console(machine, after, call);
  }

  Status set_tracking(const std::string& machine, bool on, const Call& call) override {
    FLYT_TRY(refuse(Capability::tracking, "track changes", call));
    return Driver::set_tracking(machine, on, call);
  }

  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    FLYT_TRY(refuse(Capability::view, "make a view", call));
    return Driver::make_view(spec, call);
  }

  Status drop_view(const ViewSpec& spec, const Call& call) override {
    FLYT_TRY(refuse(Capability::view, "drop a view", call));
    return Driver::drop_view(spec, call);
  }

  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    const Capability needed = spec.use == Use::read ? Capability::read : Capability::write;
    FLYT_TRY(refuse(needed, "open a disk", call));
    return Driver::open(spec, call);
  }

  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    FLYT_TRY(refuse(Capability::create, "create a machine", call));
    return Driver::create_machine(spec, call);
  }

  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    FLYT_TRY(refuse(Capability::update, "change a machine", call));
    return Driver::update_machine(id, spec, call);
  }

  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call) override {
    FLYT_TRY(refuse(Capability::land, "land a machine's disks", call));
    return Driver::land(spec, call);
  }

  Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted, const Owner& owner,
                          const Call& call) override {
    FLYT_TRY(refuse(Capability::enrol, "enrol a machine", call));
    return Driver::enrol(machine, wanted, owner, call);
  }

  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    FLYT_TRY(refuse(Capability::destroy, "remove a machine", call));
    return Driver::destroy(id, owner, call);
  }

  Result<Machine> publish(const std::string& id, const MachineSpec& spec,
                          const Call& call) override {
    const bool volume = !spec.bare.empty();
    FLYT_TRY(refuse(volume ? Capability::volumes : Capability::templates, "publish", call));
    return Driver::publish(id, spec, call);
  }

  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    FLYT_TRY(refuse(Capability::power, "switch a machine on or off", call));
    return Driver::set_power(machine, change, call);
  }

 private:
  // Success where the driver could not do it anyway: then the contract's own refusal answers.
  Status refuse(Capability capability, std::string_view what, const Call& call) const {
    const DriverInfo inner = driver_->info();
    if (!inner.can.has(capability)) return ok();
    FLYT_TRY(proceed(call, what));
    return Error{Errc::denied,
                 fmt::format("{} may not {} here: it is open for looking only", inner.name, what)};
  }

  std::unique_ptr<Driver> driver_;
};

}  // namespace

std::unique_ptr<Driver> read_only(std::unique_ptr<Driver> driver) {
  return std::make_unique<ReadOnly>(std::move(driver));
}

}  // namespace flyt
