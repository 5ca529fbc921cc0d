#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

// Runs `work(i)` for all i at once. Catch2 is not for several threads: answers are compared after.
template <typename Work>
std::vector<std::string> at_once(std::size_t count, Work work) {
  std::vector<std::string> answers(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&answers, &work, i] { answers[i] = work(i); });
  }
  for (std::thread& thread : threads) thread.join();
  return answers;
}

// Where others are compared with it: the whole error, for whoever has to find out.
template <typename T>
std::string answer(const Result<T>& result) {
  return result ? "ok" : told(result.error());
}

std::size_t in_flight(const Run& run) { return std::min(run.driver->info().max_concurrency, 16U); }

void works_in_parallel(Run& run) {
  if (!run.can_all({Capability::create, Capability::destroy})) return;
  const std::size_t count = in_flight(run);
  std::vector<MachineSpec> specs;
  for (std::size_t i = 0; i < count; ++i) {
    specs.push_back(run.spec("machine-" + std::to_string(i), {mib}));
    specs.back().nics.clear();
  }
  Driver& driver = *run.driver;
  const std::vector<std::string> fine(count, "ok");
  const auto made = at_once(count, [&](std::size_t i) {
    auto machine = driver.create_machine(specs[i], {});
    if (!machine) return answer(machine);
    if (auto seen = driver.inventory({}, {}); !seen) return answer(seen);
    const OpenSpec spec{machine->id, machine->disks[0].id, "", "", Use::write, specs[i].owner};
    if (!driver.info().can.has(Capability::write)) return std::string("ok");
    auto channel = driver.open(spec, {});
    return channel ? answer((*channel)->close({})) : answer(channel);
  });
  CHECK(made == fine);
  std::vector<std::string> ids;
  for (const MachineSpec& spec : specs) {
    const auto found = run.made_by(spec.owner.id, 1);
    REQUIRE(found.size() == 1);
    ids.push_back(found.front().id);
  }
  CHECK(at_once(count, [&](std::size_t i) {
          return answer(driver.destroy(ids[i], specs[i].owner, {}));
        }) == fine);
}

void looks_in_parallel(Run& run) {
  const auto machine = run.any_machine("web01", {mib});
  if (!machine) return;
  Driver& driver = *run.driver;
  const std::size_t count = in_flight(run);
  const auto looked = at_once(count, [&](std::size_t) {
    if (auto all = driver.inventory({}, {}); !all) return answer(all);
    if (auto one = driver.inventory({machine->id, ""}, {}); !one) return answer(one);
    if (run.can(Capability::observe)) {
      if (auto seen = driver.observe(machine->id, {}); !seen) return answer(seen);
    }
    if (!run.can(Capability::read)) return std::string("ok");
    auto channel = driver.open({machine->id, machine->disks[0].id, "", "", Use::read, {}}, {});
    return channel ? answer((*channel)->close({})) : answer(channel);
  });
  CHECK(looked == std::vector<std::string>(count, "ok"));
}

void creates_one_of_many(Run& run) {
  if (!run.can(Capability::create)) return;
  const MachineSpec spec = run.spec("web01", {mib});
  const std::size_t count = in_flight(run);
  const auto made =
      at_once(count, [&](std::size_t) { return answer(run.driver->create_machine(spec, {})); });
  CHECK(made == std::vector<std::string>(count, "ok"));
  CHECK(run.made_by(spec.owner.id, 1).size() == 1);
}

const Case cases[] = {
    {"as many calls at once as it says", works_in_parallel},
    {"as many looks at once as it says", looks_in_parallel},
    {"creating at once creates one", creates_one_of_many},
};

}  // namespace

std::span<const Case> concurrency_cases() { return cases; }

}  // namespace flyt::tests
