// What every driver and every decorator must do: docs/design.md, "the driver contract". A driver
// takes part with one small file, subject_<driver>.cpp, and one line in subjects.cpp.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/driver.hpp"

namespace flyt::tests {

// A fresh platform for one case. Whatever stands on it goes with it.
class Platform {
 public:
  Platform() = default;
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  virtual ~Platform() = default;

  // The driver under test, as one flyt process has it; any number of them on one platform.
  virtual Result<std::unique_ptr<Driver>> connect() = 0;
  // Puts a machine that flyt did not make: powered off, one disk for each content, which may have
  // any size from 0 and which the test compares. Its Machine::id. Errc::unsupported where there
  // can be no such machine.
  virtual Result<std::string> add_source(const std::string& name,
                                         const std::vector<std::string>& disks);
  // Puts a volume without a machine that flyt did not make; `kind` as Volume::kind. Its Volume::id.
  // Errc::unsupported where there can be no such volume.
  virtual Result<std::string> add_volume(const std::string& name, const std::string& kind,
                                         const std::string& content);
  // Writes to a disk of such a machine, by its index, as whoever uses the machine would.
  // Errc::unsupported: not here.
  virtual Status write_source(const std::string& machine, std::size_t disk, std::uint64_t offset,
                              std::string_view data);
  // What a machine finds on a disk, by its index, when it is started. Of platforms whose driver
  // declares Capability::land.
  virtual Result<std::string> read_landed(const std::string& machine, std::size_t disk);
  // All that a machine can be enrolled in here, and what one is, as whoever manages the platform
  // sees it. Of platforms whose driver declares Capability::enrol.
  virtual Enrolment offers() { return {}; }
  virtual Enrolment enrolled(const std::string& machine);
  // As long as the answer lives, no call on the platform comes to its end. Null: nothing can do
  // that here.
  virtual std::shared_ptr<void> hold() { return {}; }
  // Where hold() cannot: puts a machine with one disk that takes minutes to open for reading. Its
  // Machine::id.
  virtual Result<std::string> add_slow_source(const std::string& name);
};

struct ExpectedFailure {
  std::string_view what;    // Case::name
  std::string_view reason;  // with the issue that will end it
};

struct Subject {
  std::string name;    // "memory", "memory, retrying"
  std::string driver;  // DriverEntry::name
  // Why it cannot run here ("no libvirtd"); empty: it can. The whole subject is then skipped.
  std::function<std::string()> missing = [] { return std::string(); };
  std::function<Result<std::unique_ptr<Platform>>()> make;

  bool retries = false;                     // over faults, so that errors of the platform remain
  bool looks_only = false;                  // a read-only decorator: every change is Errc::denied
  bool hindered = false;                    // there is something to find on its platform
  bool small_data = false;                  // no disks beyond some MiB
  bool disks_only = false;                  // all else is the same code as another subject's
  bool foreign_disks = true;                // those of machines of others can be read
  bool empty_disks = true;                  // a disk of 0 bytes is possible
  std::chrono::milliseconds settle_time{};  // the inventory may lag by as much
  std::uint64_t size_step = 1;              // disks are rounded up to a multiple of this
  std::string refused_in_names;  // characters the platform cannot have: Errc::invalid then
  bool dns_names = false;        // Inventory::dns_names: Errc::invalid for others
  std::vector<ExpectedFailure> expected_to_fail = {};
};

// Runs every case on it; call it from a TEST_CASE, whose tags say what the subject needs.
void run_suite(const Subject& subject);
// subjects.cpp, which a build of what is tagged [tsan] is without: all of them, and one by name.
const std::vector<Subject>& subjects();
void run_suite(std::string_view name);

// One subject on a fresh platform, and what the cases need again and again.
class Run {
 public:
  explicit Run(const Subject& of);

  const Subject& subject;
  std::unique_ptr<Platform> platform;
  std::unique_ptr<Driver> driver;

  // Declared, and not barred by a read-only decorator.
  bool can(Capability capability) const;
  bool can_all(std::initializer_list<Capability> all) const;
  std::unique_ptr<Driver> another() const;  // as another flyt process would have it
  // A machine on the platform's first storage and network.
  MachineSpec spec(const std::string& name, const std::vector<std::uint64_t>& disks,
                   std::uint64_t epoch = 1) const;
  Machine create(const MachineSpec& wanted);  // must succeed
  // Machines that this migration made, as soon as the platform shows as many, at most settle_time.
  std::vector<Machine> made_by(const std::string& migration_id, std::size_t count) const;
  // Nothing: the platform can have no such machine.
  std::optional<Machine> source(const std::string& name, const std::vector<std::string>& disks);
  // The same where its disks can be read.
  std::optional<Machine> readable(const std::string& name, const std::vector<std::string>& disks) {
    return subject.foreign_disks ? source(name, disks) : std::nullopt;
  }
  Machine machine(const std::string& id) const;
  // Powered off, its disks full of zeroes: one that flyt makes where the driver can, as spec(name)
  // says, else somebody's. Nothing: the platform can have neither.
  std::optional<Machine> any_machine(const std::string& name,
                                     const std::vector<std::uint64_t>& disks);
  // Writes to its disk 0: by the driver, or as its user. False: there is no way to.
  bool write(const Machine& to, std::uint64_t offset, std::string_view data);
};

struct Case {
  std::string_view name;
  void (*run)(Run& run);
};

// One file each.
std::span<const Case> declares_cases();
std::span<const Case> inventory_cases();
std::span<const Case> create_cases();
std::span<const Case> power_cases();
std::span<const Case> view_cases();
std::span<const Case> channel_cases();
std::span<const Case> fencing_cases();
std::span<const Case> stop_cases();
std::span<const Case> destroy_cases();
std::span<const Case> land_cases();
std::span<const Case> volume_cases();
std::span<const Case> enrol_cases();
std::span<const Case> fault_cases();
std::span<const Case> concurrency_cases();

// A made-up migration id, the same for the same name.
std::string migration(std::string_view name);
// "ok" or the code's name: REQUIRE(code_of(status) == "ok") prints something useful.
template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "ok" : std::string(to_string(result.error().code));
}
// For messages: the code and what was said.
std::string told(const Error& error);

}  // namespace flyt::tests

// The value of a Result that must be a success.
#define FLYT_TAKE(declaration, expression)                                                     \
  auto FLYT_JOIN(taken_, __LINE__) = (expression);                                             \
  if (!FLYT_JOIN(taken_, __LINE__)) {                                                          \
    FAIL(#expression " failed: " << ::flyt::tests::told(FLYT_JOIN(taken_, __LINE__).error())); \
  }                                                                                            \
  declaration = *std::move(FLYT_JOIN(taken_, __LINE__))
