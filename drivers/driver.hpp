// The contract between flyt and one virtualization platform.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/enrolment.hpp"
#include "base/inventory.hpp"
#include "base/land.hpp"
#include "base/machine_spec.hpp"
#include "base/result.hpp"
#include "base/site.hpp"

namespace flyt {

// For platforms that take an image only whole: by an upload, an import. What open() writes lies
// elsewhere until it is landed.
class Lander {
 public:
  Lander() = default;
  Lander(const Lander&) = delete;
  Lander& operator=(const Lander&) = delete;
  virtual ~Lander() = default;

  // Brings all disks of a machine that is off to where it reads them; each of them in the answer.
  // Idempotent: what has been landed, and not opened for writing since, is not sent again, and what
  // an earlier call left half done is finished or taken away. Errc::denied as for open(write),
  // which it fences as that does. open() goes on to read and write what is not landed yet: a write
  // after it takes another land() to be seen by the machine.
  virtual Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call);
};

// For what is never started: templates, and volumes without a machine.
class Publisher {
 public:
  Publisher() = default;
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  virtual ~Publisher() = default;

  // Hands over what is whole and proven: a template becomes one, a volume gets its name and its
  // exact length, and may get another id. Idempotent; nothing writes to its disks any more.
  // Errc::exists: the name is another one's. Errc::denied for anything Owner::id did not create.
  virtual Result<Machine> publish(const std::string& id, const MachineSpec& spec, const Call& call);
};

// For platforms that take a machine up in what they do beside running it.
class Enroller {
 public:
  Enroller() = default;
  Enroller(const Enroller&) = delete;
  Enroller& operator=(const Enroller&) = delete;
  virtual ~Enroller() = default;

  // Makes all of `wanted` so of a machine, and tells what of it is so, as read back. Idempotent.
  // Only adds: what others have in a job, a group or a rule stays. Errc::not_found names a job, a
  // group, a rule or a host that there is not, and Errc::denied what the login may not do, before
  // anything is changed. destroy() takes all of it back.
  virtual Result<Enrolment> enrol(const std::string& machine, const Enrolment& wanted,
                                  const Owner& owner, const Call& call);
};

// Rules for all; tests/conformance runs them on every driver and decorator.
// - Thread-safe up to info().max_concurrency. Never retries, sleeps for back-off, logs or prompts.
//   Undeclared capability: Errc::unsupported.
// - Stop requested: no further change starts; Errc::cancelled. Past the deadline: Errc::timed_out,
//   and the outcome is UNKNOWN until read back.
// - make_ and create_ are idempotent in Owner::id and name. drop_ and destroy: gone is success.
// - An error carries the platform's own message (`seen`), the object, and a remedy.
class Driver : public Lander, public Publisher, public Enroller {
 public:
  virtual DriverInfo info() const = 0;
  // All identities or an error; a machine that cannot be read says why. Scope::machine that is not
  // there: Errc::not_found. Scope::migration_id that made nothing: an inventory without machines.
  // Scope::findings adds findings, each with a remedy, and notes; it changes nothing else, and what
  // cannot be found out is a finding.
  virtual Result<Inventory> inventory(const Scope& scope, const Call& call) = 0;
  virtual Result<Observation> observe(const std::string& machine, const Call& call);
  // What the console has said after the piece that told `after`, without a gap; empty: from as far
  // back as the platform keeps it. Errc::unsupported: no machine's console can be read.
  virtual Result<ConsoleText> console(const std::string& machine, const std::string& after,
                                      const Call& call);

  // The only changes to a source, with set_power(off). All undoable by name.
  virtual Status set_tracking(const std::string& machine, bool on, const Call& call);
  virtual Result<View> make_view(const ViewSpec& spec, const Call& call);
  virtual Status drop_view(const ViewSpec& spec, const Call& call);

  // write: first ends every channel of a smaller epoch, on every host, or fails.
  virtual Result<std::unique_ptr<Channel>> open(const OpenSpec& spec, const Call& call);

  // Targets. Errc::denied for anything Owner::id did not create. create_machine makes it powered
  // off, tagged first, disks allocated; Errc::exists when its name belongs to somebody else.
  // update_machine enlarges a disk that `spec` has larger and keeps what is on it; without
  // Capability::grow it says Errc::invalid and changes nothing.
  virtual Result<Machine> create_machine(const MachineSpec& spec, const Call& call);
  virtual Result<Machine> update_machine(const std::string& id, const MachineSpec& spec,
                                         const Call& call);
  virtual Status destroy(const std::string& id, const Owner& owner, const Call& call);

  // Returns once the platform reports the state. `off` is graceful and may time out.
  enum class PowerChange : std::uint8_t { on, off, forced_off };
  virtual Status set_power(const std::string& machine, PowerChange change, const Call& call);
};

// What a driver wants in its [endpoints.NAME] table, as data: any other key is Errc::invalid, with
// the nearest one named.
struct KeyInfo {
  std::string_view name, help;
  bool required = false, secret = false;
};

// drivers/all.cpp: one line per driver; `name` is the value of `driver =`.
struct DriverEntry {
  std::string_view name, help;
  std::span<const KeyInfo> keys;
  // Opens no connection before the first method is called. Errc::invalid for a wrong value.
  Result<std::unique_ptr<Driver>> (*open)(const EndpointConfig& config, const Call& call);
};

}  // namespace flyt
