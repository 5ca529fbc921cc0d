#include "drivers/decorators/fault.hpp"

#include <chrono>
#include <utility>

namespace flyt {
namespace {

Error hang(std::string_view method, const Call& call) {
  for (;;) {
    auto status = wait(std::chrono::hours(1), call, method);
    if (!status) return std::move(status).error();
  }
}

template <typename Done>
auto inject(const FaultPlan& plan, std::string_view method, const Call& call, Done done)
    -> decltype(done()) {
  Fault fault = plan(method);
  switch (fault.kind) {
    case Fault::Kind::none:
      return done();
    case Fault::Kind::hang:
      return hang(method, call);
    case Fault::Kind::before:
      return std::move(fault.error).within(method);
    case Fault::Kind::after:
      break;
  }
  auto result = done();
  if (!result) return result;
  return std::move(fault.error).within(method);
}

class FaultChannel final : public Channel {
 public:
  FaultChannel(std::unique_ptr<Channel> channel, FaultPlan plan)
      : channel_(std::move(channel)), plan_(std::move(plan)) {}

  const ChannelInfo& info() const override { return channel_->info(); }
  Result<std::vector<Extent>> changed(std::uint64_t from, const Call& call) override {
    return inject(plan_, "changed", call, [&] { return channel_->changed(from, call); });
  }
  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call) override {
    return inject(plan_, "next", call, [&] { return channel_->next(buffer, call); });
  }
  Status put(Extent extent, std::span<const std::byte> data, const Call& call) override {
    return inject(plan_, "put", call, [&] { return channel_->put(extent, data, call); });
  }
  Status flush(const Call& call) override {
    return inject(plan_, "flush", call, [&] { return channel_->flush(call); });
  }
  Status close(const Call& call) override {
    return inject(plan_, "close", call, [&] { return channel_->close(call); });
  }

 private:
  std::unique_ptr<Channel> channel_;
  FaultPlan plan_;
};

class FaultDriver final : public Driver {
 public:
  FaultDriver(std::unique_ptr<Driver> driver, FaultPlan plan)
      : driver_(std::move(driver)), plan_(std::move(plan)) {}

  DriverInfo info() const override { return driver_->info(); }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return inject(plan_, "inventory", call, [&] { return driver_->inventory(scope, call); });
  }
  Result<Observation> observe(const std::string& machine, const Call& call) override {
    return inject(plan_, "observe", call, [&] { return driver_->observe(machine, call); });
  }
  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override {
    return inject(plan_, "console", call, [&] { return driver_->console(machine, after, call); });
  }
  Status set_tracking(const std::string& machine, bool on, const Call& call) override {
    return inject(plan_, "set_tracking", call,
                  [&] { return driver_->set_tracking(machine, on, call); });
  }
  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    return inject(plan_, "make_view", call, [&] { return driver_->make_view(spec, call); });
  }
  Status drop_view(const ViewSpec& spec, const Call& call) override {
    return inject(plan_, "drop_view", call, [&] { return driver_->drop_view(spec, call); });
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return inject(plan_, "open", call, [&]() -> Result<std::unique_ptr<Channel>> {
      FLYT_ASSIGN(auto channel, driver_->open(spec, call));
      return std::unique_ptr<Channel>(std::make_unique<FaultChannel>(std::move(channel), plan_));
    });
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    return inject(plan_, "create_machine", call,
                  [&] { return driver_->create_machine(spec, call); });
  }
  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    return inject(plan_, "update_machine", call,
                  [&] { return driver_->update_machine(id, spec, call); });
  }
  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call) override {
    return inject(plan_, "land", call, [&] { return driver_->land(spec, call); });
  }
  Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted, const Owner& owner,
                          const Call& call) override {
    return inject(plan_, "enrol", call,
                  [&] { return driver_->enrol(machine, wanted, owner, call); });
  }
  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    return inject(plan_, "destroy", call, [&] { return driver_->destroy(id, owner, call); });
  }
  Result<Machine> publish(const std::string& id, const MachineSpec& spec,
                          const Call& call) override {
    return inject(plan_, "publish", call, [&] { return driver_->publish(id, spec, call); });
  }
  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    return inject(plan_, "set_power", call,
                  [&] { return driver_->set_power(machine, change, call); });
  }

 private:
  std::unique_ptr<Driver> driver_;
  FaultPlan plan_;
};

}  // namespace

std::unique_ptr<Driver> with_faults(std::unique_ptr<Driver> driver, FaultPlan plan) {
  return std::make_unique<FaultDriver>(std::move(driver), std::move(plan));
}

}  // namespace flyt
