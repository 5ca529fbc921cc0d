// A driver that passes everything on to another; a test overrides what it is about.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "drivers/driver.hpp"

namespace flyt::tests {

class Passing : public Driver {
 public:
  explicit Passing(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}

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
    return driver_->set_tracking(machine, on, call);
  }
  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    return driver_->make_view(spec, call);
  }
  Status drop_view(const ViewSpec& spec, const Call& call) override {
    return driver_->drop_view(spec, call);
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return driver_->open(spec, call);
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override {
    return driver_->create_machine(spec, call);
  }
  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    return driver_->update_machine(id, spec, call);
  }
  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call) override {
    return driver_->land(spec, call);
  }
  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    return driver_->destroy(id, owner, call);
  }
  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    return driver_->set_power(machine, change, call);
  }

 private:
  const std::unique_ptr<Driver> driver_;
};

}  // namespace flyt::tests
