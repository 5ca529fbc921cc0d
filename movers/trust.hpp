// Whether a manifest found on disk still tells what is on its target.
#pragma once

#include "movers/disk_ends.hpp"
#include "movers/manifest.hpp"

namespace flyt::movers {

struct TrustReport {
  std::uint64_t checked_bytes = 0;  // read from the target
  bool distrusted = false;          // something differed, or the manifest is doubtful
};

// Reads the last two write epochs and of the rest one block in each hundred, at random, from the
// target, and looks at all of its zeroes in the target's map. When one block differs, or the
// manifest is doubtful, all that it knows is compared and what differs becomes void; the manifest
// is sealed then.
Result<TrustReport> check_trust(Manifest& manifest, const Channel& target, Connections& connections,
                                const CopyTuning& tuning, const Call& call);

// What of `length` bytes does not surely read as zero.
Result<ExtentList> map_disk(NbdConnection& disk, std::uint64_t length, const Call& call);

}  // namespace flyt::movers
