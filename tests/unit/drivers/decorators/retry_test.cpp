#include "drivers/decorators/retry.hpp"

#include <atomic>
#include <deque>
#include <thread>

#include "tests/catch.hpp"

namespace flyt {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy quick{3, milliseconds(1), milliseconds(2), milliseconds(0)};

// Answers as it was told, then with success; counts what reaches it.
struct Script {
  std::deque<Errc> power, create;
  std::atomic<unsigned> powered = 0;
  unsigned created = 0, listed = 0;
  bool shows_machine = false;
  std::stop_source stop;
  bool stops_itself = false;
};

class Scripted final : public Driver {
 public:
  explicit Scripted(Script& script) : script_(script) {}
  DriverInfo info() const override {
    return {"scripted", "1", {Capability::create, Capability::power}, 1};
  }
  Result<Inventory> inventory(const Scope& scope, const Call&) override {
    ++script_.listed;
    Inventory found;
    if (!script_.shows_machine) return found;
    found.machines.emplace_back().migration_id = scope.migration_id;
    return found;
  }
  Status set_power(const std::string&, PowerChange, const Call&) override {
    ++script_.powered;
    if (script_.stops_itself) script_.stop.request_stop();
    return next(script_.power);
  }
  Result<Machine> create_machine(const MachineSpec& spec, const Call&) override {
    ++script_.created;
    FLYT_TRY(next(script_.create));
    Machine machine;
    machine.migration_id = spec.owner.id;
    return machine;
  }

 private:
  static Status next(std::deque<Errc>& answers) {
    if (answers.empty()) return ok();
    const Errc code = answers.front();
    answers.pop_front();
    return Error{code, "scripted", "HTTP 503"};
  }
  Script& script_;
};

Status power_on(Script& script, const Call& call = {}) {
  const auto driver = with_retries(std::make_unique<Scripted>(script), quick);
  return driver->set_power("x", Driver::PowerChange::on, call);
}

MachineSpec some_spec() {
  MachineSpec spec;
  spec.owner.id = "flyt-x";
  spec.name = "x";
  return spec;
}

}  // namespace

TEST_CASE("transient errors are tried again, at most as often as allowed") {
  Script twice{{Errc::unavailable, Errc::timed_out}, {}};
  CHECK(power_on(twice));
  CHECK(twice.powered == 3);
  Script always{{Errc::unavailable, Errc::unavailable, Errc::unavailable, Errc::unavailable}, {}};
  const Status given_up = power_on(always);
  REQUIRE_FALSE(given_up);
  CHECK(always.powered == 3);
  CHECK(given_up.error().seen == "HTTP 503 (3 times)");
}

TEST_CASE("errors that trying again cannot help are passed on at once") {
  for (const Errc code : {Errc::invalid, Errc::not_found, Errc::exists, Errc::unsupported,
                          Errc::denied, Errc::cancelled, Errc::corrupt, Errc::internal}) {
    Script script{{code}, {}};
    const Status status = power_on(script);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == code);
    CHECK(status.error().seen == "HTTP 503");
    CHECK(script.powered == 1);
  }
}

TEST_CASE("nothing is tried once a stop was requested") {
  Script script{{Errc::unavailable}, {}};
  script.stop.request_stop();
  const Status status = power_on(script, {script.stop.get_token()});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::cancelled);
  CHECK(script.powered == 0);
}

TEST_CASE("a stop while a call runs prevents the next, and the platform's words are kept") {
  Script script{{Errc::unavailable}, {}};
  script.stops_itself = true;
  const Status status = power_on(script, {script.stop.get_token()});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::cancelled);
  CHECK(status.error().seen == "HTTP 503");
  CHECK(script.powered == 1);
  Script refused{{Errc::denied}, {}};
  refused.stops_itself = true;
  CHECK(power_on(refused, {refused.stop.get_token()}).error().code == Errc::denied);
}

TEST_CASE("a stop while it waits to try again is a stop") {
  Script script{{Errc::unavailable}, {}};
  RetryPolicy slow = quick;
  slow.first_pause = slow.longest_pause = std::chrono::hours(1);
  const auto driver = with_retries(std::make_unique<Scripted>(script), slow, "endpoint pve");
  std::jthread stopping([&] {
    while (script.powered == 0) std::this_thread::yield();
    script.stop.request_stop();
  });
  const Status status = driver->set_power("x", Driver::PowerChange::on, {script.stop.get_token()});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::cancelled);
  CHECK(status.error().what == "endpoint pve: stopped");
  CHECK(status.error().seen == "HTTP 503");
}

TEST_CASE("nothing is tried again when the deadline would pass in the pause") {
  Script script{{Errc::unavailable}, {}};
  RetryPolicy slow = quick;
  slow.first_pause = slow.longest_pause = std::chrono::hours(1);
  const auto driver = with_retries(std::make_unique<Scripted>(script), slow);
  const Call soon = Call{}.within(milliseconds(20));
  const Status status = driver->set_power("x", Driver::PowerChange::on, soon);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::unavailable);
  CHECK(script.powered == 1);
}

TEST_CASE("a graceful power off that timed out is not repeated") {
  Script script{{Errc::timed_out}, {}};
  const auto driver = with_retries(std::make_unique<Scripted>(script), quick);
  CHECK_FALSE(driver->set_power("x", Driver::PowerChange::off, {}));
  CHECK(script.powered == 1);
}

TEST_CASE("a creation is repeated only after the inventory was asked") {
  Script script{{}, {Errc::unavailable}};
  const auto driver = with_retries(std::make_unique<Scripted>(script), quick);
  CHECK(driver->create_machine(some_spec(), {}));
  CHECK(script.listed == 1);
  CHECK(script.created == 2);
}

TEST_CASE("a creation is looked for until the platform has settled") {
  Script script{{}, {Errc::timed_out}};
  RetryPolicy settling = quick;
  settling.settle = milliseconds(10);
  const auto driver = with_retries(std::make_unique<Scripted>(script), settling);
  CHECK(driver->create_machine(some_spec(), {}));
  CHECK(script.listed >= 2);
  Script shown{{}, {Errc::timed_out}};
  shown.shows_machine = true;
  CHECK(with_retries(std::make_unique<Scripted>(shown), settling)->create_machine(some_spec(), {}));
  CHECK(shown.listed == 1);
}

}  // namespace flyt
