// Every call fails before, fails after, and hangs; then the same call does what it should.
#include "base/units.hpp"
#include "drivers/decorators/fault.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

// Fails the next call of one method, once.
struct Trap {
  std::string method;
  Fault::Kind kind = Fault::Kind::none;
  Fault operator()(std::string_view called) {
    if (called != method) return {};
    return {std::exchange(kind, Fault::Kind::none)};
  }
};

struct Change {
  std::string_view method;
  Capability needed;
  std::string (*code)(Driver& driver, const Machine& machine, const MachineSpec& spec,
                      const Call& call);
};

const Change changes[] = {
    {"set_tracking", Capability::tracking,
     [](Driver& d, const Machine& m, const MachineSpec&, const Call& call) {
       return code_of(d.set_tracking(m.id, true, call));
     }},
    {"make_view", Capability::view,
     [](Driver& d, const Machine& m, const MachineSpec& spec, const Call& call) {
       return code_of(d.make_view({m.id, "flyt-v", spec.owner}, call));
     }},
    {"drop_view", Capability::view,
     [](Driver& d, const Machine& m, const MachineSpec& spec, const Call& call) {
       return code_of(d.drop_view({m.id, "v", spec.owner}, call));
     }},
    {"open", Capability::write,
     [](Driver& d, const Machine& m, const MachineSpec& spec, const Call& call) {
       return code_of(d.open({m.id, m.disks[0].id, "", "", Use::write, spec.owner}, call));
     }},
    {"update_machine", Capability::update,
     [](Driver& d, const Machine& m, const MachineSpec& spec, const Call& call) {
       return code_of(d.update_machine(m.id, spec, call));
     }},
    {"create_machine", Capability::create,
     [](Driver& d, const Machine&, const MachineSpec& spec, const Call& call) {
       return code_of(d.create_machine(spec, call));
     }},
    {"set_power", Capability::power,
     [](Driver& d, const Machine& m, const MachineSpec&, const Call& call) {
       return code_of(d.set_power(m.id, Driver::PowerChange::on, call));
     }},
    {"destroy", Capability::destroy,
     [](Driver& d, const Machine& m, const MachineSpec& spec, const Call& call) {
       return code_of(d.destroy(m.id, spec.owner, call));
     }},
};

void fails_and_goes_on(Run& run, Fault::Kind kind) {
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  auto trap = std::make_shared<Trap>();
  const auto driver =
      with_faults(run.another(), [trap](std::string_view method) { return (*trap)(method); });
  const MachineSpec spec = run.spec("web01", {mib});
  for (const Change& change : changes) {
    if (!run.can(change.needed)) continue;
    INFO(change.method);
    *trap = {std::string(change.method), kind};
    CHECK(change.code(*driver, *machine, spec, {}) == "unavailable");
    CHECK(change.code(*driver, *machine, spec, {}) == "ok");
  }
}

void before(Run& run) { fails_and_goes_on(run, Fault::Kind::before); }
void after(Run& run) { fails_and_goes_on(run, Fault::Kind::after); }

void lost_creation(Run& run) {
  if (!run.can(Capability::create)) return;
  const MachineSpec spec = run.spec("web01", {mib});
  const auto fail_after = [](std::string_view) { return Fault{Fault::Kind::after}; };
  CHECK(code_of(with_faults(run.another(), fail_after)->create_machine(spec, {})) == "unavailable");
  const auto found = run.made_by(spec.owner.id, 1);
  REQUIRE(found.size() == 1);
  CHECK(run.create(spec).id == found.front().id);
}

void hangs(Run& run) {
  const auto hang = [](std::string_view) { return Fault{Fault::Kind::hang}; };
  const auto driver = with_faults(run.another(), hang);
  std::stop_source source;
  source.request_stop();
  CHECK(code_of(driver->inventory({}, {source.get_token()})) == "cancelled");
  const Call soon = Call{}.within(std::chrono::milliseconds(5));
  CHECK(code_of(driver->inventory({}, soon)) == "timed_out");
}

const Case cases[] = {
    {"each change can be repeated after it failed before it began", before},
    {"each change can be repeated after its answer got lost", after},
    {"a creation whose answer got lost is found by its migration id", lost_creation},
    {"a hanging call ends by stop and by deadline", hangs},
};

}  // namespace

std::span<const Case> fault_cases() { return cases; }

}  // namespace flyt::tests
