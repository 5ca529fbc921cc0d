// The contract for copying bytes from one channel to another. docs/design.md, "Movers".
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/digest.hpp"
#include "base/progress.hpp"
#include "base/rate_limit.hpp"

namespace flyt {

inline constexpr std::uint64_t block_bytes = 1U << 20;  // one digest each

// Views in manifest records. The journal says which name on the platform a number stands for.
using ViewNumber = std::uint32_t;
inline constexpr ViewNumber conversion_view =
    0xffffffff;  // blocks that committing a conversion wrote

struct CopyTuning {
  // Event loops, each with a connection to both sides; 0: min(cores, 4). At most 16.
  unsigned loops = 0;
  unsigned blocks_in_flight = 8;  // of 1 MiB, per loop; at most 16 in all loops together
  std::shared_ptr<RateLimit> source_rate = {}, target_rate = {};
};

enum class CopyMode : std::uint8_t {
  full,  // all allocated extents of the source; what the manifest already has of this view is kept
  tracked,  // only source.changed(), since `base`; the rest of the manifest moves on to this view
  digest,   // read all, send only blocks whose digest differs from the manifest
};

struct CopyRequest {
  Channel* source = nullptr;
  Channel* target = nullptr;
  std::filesystem::path manifest;  // of the target disk; made when absent, resumed when there
  ViewNumber view = 1;
  CopyMode mode = CopyMode::full;
  ViewNumber base = 0;  // tracked: what source.changed() is since; not what the last complete sync
                        // made of the target: all is read, as by digest
  // Builds on nothing that the source tells of its own bytes, where else some of it is looked at:
  // reads what it calls empty too, and what tracking does not list, and counts what that left out.
  bool distrust = false;
  bool fresh_target =
      false;  // made by this migration and never written: ChannelInfo::reads_zero counts
  CopyTuning tuning = {};
  ProgressSink* progress = nullptr;
};

struct CopyReport {
  Digest root{};             // over the source's length, as this view has it
  std::uint64_t length = 0;  // bytes of the source
  std::uint64_t read_bytes = 0, written_bytes = 0, zeroed_bytes = 0;
  std::uint64_t kept_bytes = 0;     // already on the target by the manifest
  std::uint64_t checked_bytes = 0;  // re-read from the target to trust the manifest
  // Blocks that differ and that tracking did not list as changed; nothing: not looked at as a
  // whole.
  std::optional<std::uint64_t> left_out;
  bool wrong_map = false;   // what the source called empty was found not to be: all was read
  bool distrusted = false;  // the check failed and the target was compared block by block
};

// Writing the extents in which `overlay` differs from the synced target.
struct CommitRequest {
  Channel* overlay = nullptr;   // reads as the converted disk
  Channel* target = nullptr;    // holds the synced copy, or part of a torn commit
  std::vector<Extent> changed;  // ascending, from the converter
  std::filesystem::path manifest;
  CopyTuning tuning = {};
  ProgressSink* progress = nullptr;
};

struct CommitReport {
  Digest root{};  // of the converted disk
  std::uint64_t changed_bytes = 0, changed_blocks = 0;
  // Every touched block's bytes outside `changed` equalled the synced copy when it was committed.
  bool outside_equal = false;
};

// Independent read-back over a fresh channel, against the manifest.
struct ReadBackRequest {
  Channel* target = nullptr;
  std::filesystem::path manifest;
  std::uint64_t length = 0;  // of the source; what is beyond must be zero
  CopyTuning tuning = {};
  ProgressSink* progress = nullptr;
};

struct ReadBackReport {
  Digest expected_root{}, read_root{};  // with the conversion
  Digest source_root{};                 // without the conversion's records
  std::uint64_t blocks = 0, equal_source = 0, equal_conversion = 0;
  std::vector<std::uint64_t> different;  // block numbers, the first 16
  std::uint64_t different_blocks = 0;
  bool tail_zero = true;
};

// Root of a channel's bytes: SHA-256(02 ‖ u64le length ‖ top), leaves and nodes as RFC 6962 splits.
struct DigestRequest {
  Channel* source = nullptr;
  CopyTuning tuning = {};
  ProgressSink* progress = nullptr;
};

// Thread-safe; each call uses at most 32 MiB of memory whatever the disk's size. Errors: corrupt
// (a read-back differs), unavailable (server gone), cancelled and timed_out leave a manifest from
// which the same request goes on. A failed flush voids all since the last good one.
class Mover {
 public:
  virtual ~Mover() = default;
  virtual Result<CopyReport> copy(const CopyRequest& request, const Call& call) = 0;
  virtual Result<CommitReport> commit(const CommitRequest& request, const Call& call) = 0;
  virtual Result<ReadBackReport> read_back(const ReadBackRequest& request, const Call& call) = 0;
  virtual Result<Digest> digest(const DigestRequest& request, const Call& call) = 0;
};

std::unique_ptr<Mover> make_mover();

}  // namespace flyt
