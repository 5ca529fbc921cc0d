// All subjects of the suite: a line for each driver, and the decorators.
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "drivers/decorators/fault.hpp"
#include "drivers/decorators/read_only.hpp"
#include "drivers/decorators/retry.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/subject_libvirt.hpp"
#include "tests/conformance/subject_memory.hpp"
#include "tests/conformance/subject_ova.hpp"
#include "tests/conformance/subject_proxmox.hpp"
#include "tests/conformance/subject_rvtools.hpp"
#include "tests/conformance/subject_saved.hpp"
#include "tests/conformance/subject_vsphere.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy quick{4, milliseconds(1), milliseconds(4), milliseconds(20)};

Subject looking_only() {
  Subject subject = memory_subject("memory, read-only", read_only);
  subject.looks_only = true;
  return subject;
}

// Of three calls of one method in a row, one fails before, one after, and one is left alone.
Fault flaky(std::string_view method) {
  thread_local std::map<std::string, unsigned, std::less<>> calls;
  switch (calls[std::string(method)]++ % 3) {
    case 0:
      return {Fault::Kind::before};
    case 1:
      return {Fault::Kind::after};
    default:
      return {};
  }
}

Subject retrying() {
  const auto plan = [](std::string_view method) {
    // Channels are not repeated.
    for (const std::string_view one : {"changed", "next", "put", "flush", "close"}) {
      if (one == method) return Fault{};
    }
    return flaky(method);
  };
  const auto wrap = [plan](std::unique_ptr<Driver> driver) {
    return with_retries(with_faults(std::move(driver), plan), quick);
  };
  Subject subject = memory_subject("memory, retrying over faults", wrap);
  subject.retries = true;
  return subject;
}

Subject faultless() {
  return memory_subject("memory, faultless", [](std::unique_ptr<Driver> driver) {
    return with_faults(std::move(driver), [](std::string_view) { return Fault{}; });
  });
}

Subject bad_habits() {
  memory::Habits habits;
  habits.settle = milliseconds(50);
  habits.round_bytes = 4096;
  return memory_subject("memory with bad habits", {}, habits);
}

const Subject& find_subject(std::string_view name) {
  for (const Subject& subject : subjects()) {
    if (subject.name == name) return subject;
  }
  FAIL("there is no subject " << name);
  throw std::logic_error("not reached");
}

}  // namespace

const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = {
      memory_subject(),
      looking_only(),
      retrying(),
      faultless(),
      bad_habits(),
      ova_subject(),
      ova_subject("ova, packed", true),
      libvirt_subject(),
      proxmox_subject(),
      proxmox_api_subject(),
      rvtools_subject(),
      saved_subject(),
      vsphere_subject(),
      vsphere_vddk_subject(),
  };
  return all;
}

void run_suite(std::string_view name) { run_suite(find_subject(name)); }

TEST_CASE("the decorator read_only conforms", "[nbdkit]") { run_suite("memory, read-only"); }
TEST_CASE("the decorator with_retries conforms", "[nbdkit]") {
  run_suite("memory, retrying over faults");
}
TEST_CASE("the decorator with_faults conforms", "[nbdkit]") { run_suite("memory, faultless"); }
TEST_CASE("a slow platform that rounds up conforms", "[nbdkit]") {
  run_suite("memory with bad habits");
}

}  // namespace flyt::tests
