#include "drivers/decorators/retry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace flyt {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool may_repeat(Errc code, const Call& call) {
  return is_transient(code) && proceed(call, "").has_value();
}

// A failure that could have been tried again and was not, because of a stop, is the stop: what the
// platform said stays beside it.
Error stopped(Error error) {
  if (error.seen.empty()) error.seen = error.what;
  return {.code = Errc::cancelled,
          .what = "stopped",
          .seen = std::move(error.seen),
          .state = std::move(error.state)};
}

class Retry final : public Driver {
 public:
  Retry(std::unique_ptr<Driver> driver, RetryPolicy policy, std::string context)
      : driver_(std::move(driver)), policy_(policy), context_(std::move(context)) {}

  DriverInfo info() const override { return driver_->info(); }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    return repeat(call, [&] { return driver_->inventory(scope, call); });
  }
  Result<Observation> observe(const std::string& machine, const Call& call) override {
    return repeat(call, [&] { return driver_->observe(machine, call); });
  }
  Result<ConsoleText> console(const std::string& machine, const std::string& after,
                              const Call& call) override {
    return repeat(call, [&] { return driver_->console(machine, after, call); });
  }
  Status set_tracking(const std::string& machine, bool on, const Call& call) override {
    return repeat(call, [&] { return driver_->set_tracking(machine, on, call); });
  }
  Result<View> make_view(const ViewSpec& spec, const Call& call) override {
    return repeat(call, [&] { return driver_->make_view(spec, call); });
  }
  Status drop_view(const ViewSpec& spec, const Call& call) override {
    return repeat(call, [&] { return driver_->drop_view(spec, call); });
  }
  Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call) override {
    return repeat(call, [&] { return driver_->open(spec, call); });
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call& call) override;
  Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                 const Call& call) override {
    return repeat(call, [&] { return driver_->update_machine(id, spec, call); });
  }
  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call) override {
    return repeat(call, [&] { return driver_->land(spec, call); });
  }
  Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted, const Owner& owner,
                          const Call& call) override {
    return repeat(call, [&] { return driver_->enrol(machine, wanted, owner, call); });
  }
  Status destroy(const std::string& id, const Owner& owner, const Call& call) override {
    return repeat(call, [&] { return driver_->destroy(id, owner, call); });
  }
  Result<Machine> publish(const std::string& id, const MachineSpec& spec,
                          const Call& call) override {
    return repeat(call, [&] { return driver_->publish(id, spec, call); });
  }
  Status set_power(const std::string& machine, PowerChange change, const Call& call) override {
    const auto once = [&] { return driver_->set_power(machine, change, call); };
    if (change != PowerChange::off) return repeat(call, once);
    return repeat(call, once, [](Errc code) { return code == Errc::unavailable; });
  }

 private:
  milliseconds pause_after(unsigned attempt) const {
    milliseconds pause = policy_.first_pause;
    for (unsigned i = 1; i < attempt && pause < policy_.longest_pause; ++i) pause *= 2;
    return std::min(pause, policy_.longest_pause);
  }

  Error tried(Error error, unsigned attempts, const Call& call) const {
    if (attempts > 1) {
      const std::string times = fmt::format("{} times", attempts);
      error.seen = error.seen.empty() ? times : fmt::format("{} ({})", error.seen, times);
    }
    if (is_transient(error.code) && call.stop.stop_requested()) error = stopped(std::move(error));
    return context_.empty() ? error : std::move(error).within(context_);
  }

  template <typename Once, typename Wanted>
  auto repeat(const Call& call, Once once, Wanted wanted) const -> decltype(once()) {
    FLYT_TRY(proceed(call, driver_->info().name));
    for (unsigned attempt = 1;; ++attempt) {
      auto result = once();
      if (result) return result;
      const Errc code = result.error().code;
      if (attempt >= policy_.attempts || !wanted(code) || !may_repeat(code, call) ||
          !wait(pause_after(attempt), call, "trying again")) {
        return tried(std::move(result).error(), attempt, call);
      }
    }
  }

  template <typename Once>
  auto repeat(const Call& call, Once once) const -> decltype(once()) {
    return repeat(call, once, [](Errc) { return true; });
  }

  Result<bool> made_one(const MachineSpec& spec, const Call& call);

  std::unique_ptr<Driver> driver_;
  RetryPolicy policy_;
  std::string context_;
};

// Whether a failed attempt has made the machine, as soon as the platform shows it.
Result<bool> Retry::made_one(const MachineSpec& spec, const Call& call) {
  const auto until = steady_clock::now() + policy_.settle;
  for (unsigned look = 1;; ++look) {
    FLYT_ASSIGN(const Inventory found, inventory({"", spec.owner.id}, call));
    for (const Machine& machine : found.machines) {
      if (machine.migration_id == spec.owner.id) return true;
    }
    if (steady_clock::now() >= until) return false;
    FLYT_TRY(wait(pause_after(look), call, "looking for what was created"));
  }
}

Result<Machine> Retry::create_machine(const MachineSpec& spec, const Call& call) {
  FLYT_TRY(proceed(call, driver_->info().name));
  for (unsigned attempt = 1;; ++attempt) {
    auto made = driver_->create_machine(spec, call);
    if (made) return made;
    if (attempt >= policy_.attempts || !may_repeat(made.error().code, call)) {
      return tried(std::move(made).error(), attempt, call);
    }
    // Where it is there, it may be half made: the driver, idempotent in it, completes it. Where
    // that cannot be known, nothing is created again.
    if (!wait(pause_after(attempt), call, "creating again") || !made_one(spec, call)) {
      return tried(std::move(made).error(), attempt, call);
    }
  }
}

}  // namespace

std::unique_ptr<Driver> with_retries(std::unique_ptr<Driver> driver, RetryPolicy policy,
                                     std::string context) {
  return std::make_unique<Retry>(std::move(driver), policy, std::move(context));
}

}  // namespace flyt
