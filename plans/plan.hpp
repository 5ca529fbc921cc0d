// The plan document: what is to move, on which facts, and why. Immutable; same inputs, same bytes.
// docs/plan-format.md. Pure data: planners may include this header.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/concern.hpp"
#include "base/enrolment.hpp"
#include "base/machine.hpp"
#include "base/machine_spec.hpp"
#include "base/site.hpp"
#include "base/verdict.hpp"

namespace flyt {

inline constexpr int plan_version = 1;

// What the plan assumed. pinned: must be equal when applied; bounded: at least `value` must be
// free; noted: for readers.
struct Fact {
  enum class Kind : std::uint8_t { pinned, bounded, noted };
  Kind kind = Kind::noted;
  std::string subject;  // "source disk 0", "target storage default"
  std::string name;     // "size_bytes", "uuid", "mac", "firmware", "free_bytes"
  std::string value;
};

struct PlannedMachine {
  std::string migration_id;
  Machine source;    // as it was seen
  MachineSpec spec;  // as it will be made; spec.owner.epoch is 0 in a plan
  // Whether the spec is already for a converted guest: buses and models are those after conversion.
  bool convert = false;
  std::string convert_why;
  std::string placement_why;  // "the only storage that fits: default, 80 GiB free"
  std::vector<Fact> facts;
  std::vector<Probe> probes;
  std::string marker;
  std::chrono::seconds boot_timeout{180};
  std::uint64_t copy_bytes = 0;  // estimate: allocated bytes where known, else all
  bool track_changes = false;    // the source's change tracking is switched on, and off at the end
  // Its guest is started on SATA first, and given this long for the drivers of `spec`, from when
  // its agent answers. 0: it has no such start.
  std::chrono::seconds introduce{0};
  Enrolment after;     // once it lives on the target
  std::string adopts;  // plan digest whose seeded disks are taken over; empty: none
  // A template, or a volume without a machine, is read as it lies and never started.
  bool starts() const { return spec.bare.empty() && !source.is_template; }
};

struct Wave {
  std::string name;
  std::vector<std::string> machines;  // migration ids
};

struct Estimate {
  std::uint64_t disk_bytes = 0, copy_bytes = 0;
  std::chrono::seconds low{0}, likely{0}, high{0};
  // Of these, what is sent once more when its source is off, and how long that is likely to take.
  std::uint64_t land_bytes = 0;
  std::chrono::seconds land{0};
};

struct Plan {
  std::string flyt_version;
  std::string site_id, site_name, site_digest;
  std::string source, target;  // endpoint names
  std::string source_platform_id, target_platform_id;
  std::string inventory_digest;          // SHA-256 over both inventories as they were read
  std::vector<PlannedMachine> machines;  // by name
  std::vector<Wave> waves;
  std::vector<Concern> concerns;  // machines with a blocker are not in `machines`
  std::vector<Verdict> ground;    // of the target, at plan time
  Estimate estimate;
  std::string digest;  // SHA-256 of the RFC 8785 form without this member, hexadecimal
};

}  // namespace flyt
