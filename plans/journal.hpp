// The durable record of every step's intent and outcome. One journal per site.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt {

enum class StepState : std::uint8_t { intended, done, failed };

struct StepRecord {
  std::string machine;  // migration id
  std::string step;     // "create", "copy:0", ... unique in the machine
  StepState state = StepState::intended;
  std::uint64_t epoch = 0;
  std::string plan;    // digest
  std::string at;      // RFC 3339 UTC, of the last change
  std::string detail;  // JSON: with the intent what is about to be done, else what came of it
};

struct MachineRecord {
  std::string machine, name, plan;  // plan: digest of the newest one that took it
  std::uint64_t epoch = 0;
  std::string holder;  // "pid 4711 at kvm1", empty: nobody holds it
};

// A machine that this process may work on. Released when destroyed; after a crash the operating
// system releases it.
class Lease {
 public:
  virtual ~Lease() = default;
  virtual std::uint64_t epoch() const = 0;
};

// Thread-safe. Every success is on stable storage. Errors: unavailable (disk full, locked), invalid
// (made by a newer flyt: the message names it; another site), corrupt.
class Journal {
 public:
  virtual ~Journal() = default;

  // Errc::exists when another live process holds it (`seen`: who). Raises the epoch.
  virtual Result<std::unique_ptr<Lease>> take(const std::string& machine, const std::string& name,
                                              const std::string& plan) = 0;
  // Errc::cancelled when a higher epoch has taken the machine.
  virtual Status intend(const StepRecord& step) = 0;
  virtual Status finish(const StepRecord& step) = 0;  // state done or failed
  // Takes a step back to "never done": its outcome no longer holds. `reason` is kept.
  virtual Status reset(const std::string& machine, const std::string& step,
                       const std::string& reason) = 0;

  virtual Result<std::vector<StepRecord>> steps(const std::string& machine) = 0;
  virtual Result<std::vector<MachineRecord>> machines() = 0;
  // Plans that were applied, whole, so that status and undo need no file.
  virtual Status keep_plan(const std::string& digest, const std::string& text) = 0;
  virtual Result<std::optional<std::string>> plan(const std::string& digest) = 0;
};

// `state`/journal.db: SQLite, WAL, synchronous=FULL. Refuses a network file system.
Result<std::unique_ptr<Journal>> open_journal(const std::filesystem::path& state,
                                              const std::string& site_id);

}  // namespace flyt
