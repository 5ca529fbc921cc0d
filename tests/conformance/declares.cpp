// Capabilities, in both directions, and what is not there.
#include "base/bare_volume.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

const std::string nowhere = "no-such-machine";

struct Attempt {
  Capability capability;
  std::string_view name;
  std::string (*code)(Driver& driver);  // of a call that cannot succeed, or does nothing
};

const Attempt attempts[] = {
    {Capability::observe, "observe", [](Driver& d) { return code_of(d.observe(nowhere, {})); }},
    {Capability::tracking, "set_tracking",
     [](Driver& d) { return code_of(d.set_tracking(nowhere, true, {})); }},
    {Capability::view, "make_view",
     [](Driver& d) {
       return code_of(d.make_view({nowhere, "v", {migration("x"), 1}}, {}));
     }},
    {Capability::read, "open for reading",
     [](Driver& d) {
       return code_of(d.open({nowhere, "disk0", "", "", Use::read, {}}, {}));
     }},
    {Capability::write, "open for writing",
     [](Driver& d) {
       return code_of(d.open({nowhere, "disk0", "", "", Use::write, {migration("x"), 1}}, {}));
     }},
    {Capability::update, "update_machine",
     [](Driver& d) {
       MachineSpec spec;
       spec.owner = {migration("x"), 1};
       spec.name = nowhere;
       return code_of(d.update_machine(nowhere, spec, {}));
     }},
    {Capability::land, "land",
     [](Driver& d) {
       return code_of(d.land({nowhere, {migration("x"), 1}}, {}));
     }},
    {Capability::volumes, "publish of a volume",
     [](Driver& d) {
       MachineSpec spec{.owner = {migration("x"), 1}, .name = nowhere};
       spec.bare = "iso";
       return code_of(d.publish(bare_id(nowhere), spec, {}));
     }},
    {Capability::templates, "publish of a template",
     [](Driver& d) {
       MachineSpec spec{.owner = {migration("x"), 1}, .name = nowhere};
       spec.is_template = true;
       return code_of(d.publish(nowhere, spec, {}));
     }},
    {Capability::enrol, "enrol",
     [](Driver& d) {
       return code_of(d.enrol(nowhere, {}, {migration("x"), 1}, {}));
     }},
    {Capability::power, "set_power",
     [](Driver& d) { return code_of(d.set_power(nowhere, Driver::PowerChange::on, {})); }},
};

// These succeed when there is nothing to do.
const Attempt removals[] = {
    {Capability::view, "drop_view",
     [](Driver& d) {
       return code_of(d.drop_view({nowhere, "v", {migration("x"), 1}}, {}));
     }},
    {Capability::destroy, "destroy",
     [](Driver& d) {
       return code_of(d.destroy(nowhere, {migration("x"), 1}, {}));
     }},
};

void says_who_it_is(Run& run) {
  const DriverInfo info = run.driver->info();
  CHECK(info.name == run.subject.driver);
  CHECK_FALSE(info.version.empty());
  CHECK(info.max_concurrency >= 1);
}

std::string_view expected(const Run& run, Capability capability, std::string_view there) {
  if (!run.driver->info().can.has(capability)) return "unsupported";
  return run.can(capability) ? there : "denied";
}

void declares_what_it_does(Run& run) {
  for (const Attempt& attempt : attempts) {
    INFO(attempt.name);
    CHECK(attempt.code(*run.driver) == expected(run, attempt.capability, "not_found"));
  }
  for (const Attempt& removal : removals) {
    INFO(removal.name);
    CHECK(removal.code(*run.driver) == expected(run, removal.capability, "ok"));
  }
  CHECK(code_of(run.driver->create_machine({}, {})) ==
        expected(run, Capability::create, "invalid"));
}

void does_not_find(Run& run) {
  const auto found = run.driver->inventory({nowhere, ""}, {});
  REQUIRE_FALSE(found);
  CHECK(code_of(found) == "not_found");
  CHECK(found.error().what.find(nowhere) != std::string::npos);
}

const Case cases[] = {
    {"says who it is", says_who_it_is},
    {"declares what it does, and does nothing else", declares_what_it_does},
    {"says not_found of what is not there", does_not_find},
};

}  // namespace

std::span<const Case> declares_cases() { return cases; }

}  // namespace flyt::tests
