// What a pass over a disk has to do, block by block, from the source's map, the changed extents and
// the manifest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "movers/extent_list.hpp"
#include "movers/manifest.hpp"
#include "movers/voids.hpp"

namespace flyt::movers {

// One block, or a run of whole zero blocks.
struct Item {
  std::uint64_t first = 0, count = 1;
  bool zero = false;            // the map says so: nothing to read
  bool compare = false;         // write only if the digest is not `known`
  bool listed = true;           // digest: among `only`, which null is all
  bool recorded = false;        // the manifest says something of it, which ends when it is written
  std::optional<Digest> known;  // on the target, by the manifest
  std::uint32_t known_since = 0;  // the write epoch of that

  // Parts of the block to read, from its start; the rest is zero.
  std::array<Range, 8> pieces{};
  unsigned piece_count = 0;
};

enum class Pass : std::uint8_t {
  full,     // what has no record of the view
  tracked,  // of these, what the changed extents touch or the last complete sync did not cover
  digest,   // as full, compared where the manifest knows the target; `only` is just told
  check,    // all, or what `only` touches: compared with the manifest, if any
};

struct WorkInput {
  Pass pass = Pass::full;
  std::uint64_t length = 0;  // bytes
  ViewNumber view = 0;
  const ExtentList* data = nullptr;    // what does not read as zero
  const ExtentList* only = nullptr;    // tracked, digest: the changed extents; check: null is all
  const Manifest* manifest = nullptr;  // check: may be null
  std::uint64_t max_run = 1024;        // blocks in one zero item
};

// One thread at a time. The input must outlive it.
class Work {
 public:
  explicit Work(const WorkInput& input);
  std::optional<Item> next();
  std::uint64_t kept_bytes() const { return kept_bytes_; }  // of data that next() left out so far

 private:
  enum class Verdict : std::uint8_t { skip, send, compare };
  struct Stretch {  // blocks with one verdict and one segment
    std::uint64_t end;
    Segment segment;
    Verdict verdict;
    bool touched;
  };
  Stretch stretch();
  Verdict judge(const Segment& segment, bool touched) const;
  Item item(const Stretch& stretch);

  WorkInput in_;
  std::uint64_t blocks_, block_ = 0;
  std::uint64_t kept_bytes_ = 0;
  std::optional<Manifest::Cursor> manifest_;
  ExtentCursor data_;
  std::optional<ExtentCursor> only_;
};

// Walks through `input` ahead of the pass.
struct WorkTotal {
  std::uint64_t data_bytes = 0;  // to read
  std::uint64_t kept_bytes = 0;
};
// `voids`, if any, is given what is sent over something known, and is not finished.
Result<WorkTotal> add_up(const WorkInput& input, Voids* voids);

}  // namespace flyt::movers
