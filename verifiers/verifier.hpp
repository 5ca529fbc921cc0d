// The contract of verifiers: functions from records and policy to a verdict. They judge, they do
// not fetch; only probes are their own input and output. docs/design.md, "Verifiers".
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/digest.hpp"
#include "base/land.hpp"
#include "base/machine_spec.hpp"
#include "base/site.hpp"
#include "base/verdict.hpp"

namespace flyt {

// One disk's read-back, as the mover measured it.
struct BytesRecord {
  std::string disk;
  Digest source_root{}, expected_root{}, read_root{};
  // As the copy and the commit have reported them when they were done; nothing: not converted.
  std::optional<Digest> copied_root, committed_root;
  std::uint64_t length = 0, blocks = 0, equal_source = 0, equal_conversion = 0;
  std::uint64_t different_blocks = 0;
  std::vector<std::uint64_t> different;  // the first 16
  bool outside_equal = true;             // of the conversion, at commit
  bool tail_zero = true;
  bool before_power_on = true;
  // What was read back is not what the machine reads, but what that was made of. Nothing: it is.
  std::optional<LandedDisk> landed = {};
};

// PASS: every disk has a record, every block equals the source's or the conversion's digest, roots
// agree, also with what copy and commit reported where that is known. No record for a disk of
// `disks`: UNVERIFIED, as what was read back and then landed: nobody has seen what became of it.
// `at`: when it was read.
Verdict judge_bytes(const std::vector<BytesRecord>& records, std::size_t disks,
                    std::string_view at);

struct ProbeResult {
  Probe probe;
  bool ok = false;
  std::string seen;  // "HTTP 200 in 12 ms", "connection refused"
};

struct ConsoleSigns {
  bool known = false;        // the platform keeps a console
  std::string unheard;       // why not, for people; empty: nothing is told
  std::string gap;           // ConsoleText::gap: what is not seen may have been said
  bool marker_seen = false;  // in this log
  std::string trouble;       // the last line of a failed boot; empty: none after the last marker
  bool alive() const { return marker_seen && trouble.empty(); }
};

// Reads a console piece by piece, also what stands across two pieces, and keeps only a little.
class ConsoleReader {
 public:
  explicit ConsoleReader(std::string marker);  // empty: default_boot_marker
  void add(const ConsoleText& piece);
  const ConsoleSigns& signs() const { return signs_; }

 private:
  std::string marker_, kept_;                     // the end of what was read
  std::uint64_t before_ = 0;                      // how much came before `kept_`
  std::uint64_t marker_at_ = 0, trouble_at_ = 0;  // from 1; 0: not seen
  ConsoleSigns signs_;
};

struct BootRecord {
  std::optional<Observation> last;  // nothing: the platform did not answer
  ConsoleSigns console;             // as a reader for `marker` has them
  std::vector<ProbeResult> probes;
  // Console text that means "it lives": if given, it must appear. Empty: default_boot_marker, and
  // other signs do as well.
  std::string marker;
  bool marker_seen_before = false;  // an earlier record has seen it: consoles do not keep all
  std::chrono::seconds took{0}, limit{0};
  // How it runs in another way than planned, for people; empty: it does not.
  std::string otherwise = {};
};

// What a console says when a guest is up, where the site names no marker.
extern const std::string_view default_boot_marker;

bool boot_settled(const BootRecord& record);  // nothing more can change to the better: stop waiting
Verdict judge_boot(const BootRecord& record, std::string_view at);

// Place, operator and owner of the ground, in this order. `stated`: the site's; `seen`: what the
// platform itself says, nothing before landing. `today`: RFC 3339 date; facts older than 12 months
// (regions: 24) or later than `today` are UNVERIFIED and named with their age. An empty policy is
// UNVERIFIED.
struct GroundQuestion {
  std::optional<Ground> stated;
  std::optional<Place> seen;
  Policy policy;
  std::string today;  // YYYY-MM-DD
  std::string at;     // when landed; empty: at plan time
  // Why the platform could not be asked after landing; each PASS then says so.
  std::string unseen = {};
};

class ProviderRegistry;  // verifiers/registry.hpp

class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual std::vector<Verdict> judge_ground(const GroundQuestion& question) const = 0;
  // Runs one probe once. Not reachable yet is a result, not an error.
  virtual ProbeResult probe(const Probe& probe, const Call& call) const = 0;
};

std::unique_ptr<Verifier> make_verifier();  // with the built-in registry

}  // namespace flyt
