#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "movers/block.hpp"
#include "movers/disk_ends.hpp"
#include "movers/epochs.hpp"
#include "movers/operations.hpp"
#include "movers/voids.hpp"

namespace flyt::movers {

namespace {

// First every touched block is looked at, and nothing is written if one is not as it must be. Then
// all that will be written becomes void in the manifest, as the conversion's: from there on a
// commit that breaks off is known to have begun, with all its blocks checked, and is repeated.
class Commit {
 public:
  Commit(const CommitRequest& request, const Call& call) : request_(request), call_(call) {}

  Result<CommitReport> run() {
    FLYT_ASSIGN(auto manifest, Manifest::open({request_.manifest, {}, 0, false}));
    length_ = manifest.header().length;
    FLYT_ASSIGN(targets_, connect_target(*request_.target, length_, call_));
    FLYT_ASSIGN(overlays_, connect(*request_.overlay, Side::source, call_));
    FLYT_TRY(take_extents());
    overlay_.resize(block_bytes);
    target_.resize(block_bytes);
    FLYT_TRY(check_all(manifest));
    FLYT_TRY(void_all(manifest));
    FLYT_TRY(write_all(manifest));
    FLYT_TRY(manifest.seal({}));
    FLYT_ASSIGN(report_.root, manifest.root(Manifest::Layer::target));
    report_.outside_equal = true;  // or check_all() would have failed
    return report_;
  }

 private:
  Status take_extents();
  Status check_all(const Manifest& manifest);
  using Changes = std::vector<Range>;  // of one block
  Status check(std::uint64_t block, const Changes& changes, const Segment& segment);
  Status outside(std::uint64_t block, const Changes& changes, const char* what);
  Status void_all(Manifest& manifest);
  Status write_all(Manifest& manifest);
  Status write(std::uint64_t block, const Changes& changes);
  Status write(Range range, std::span<const std::byte> bytes);
  Status end_epoch(Manifest& manifest);
  Status read_overlay(std::uint64_t block);

  // Calls `see` with each block that `changed` touches, and what it touches of it.
  template <typename See>
  Status each_block(See see) {
    ExtentCursor cursor(changed_);
    for (std::uint64_t block = 0; block < block_count(length_); ++block) {
      const Range next = cursor.from(block * block_bytes);
      block = std::max(block, next.begin / block_bytes);
      if (block >= block_count(length_)) break;
      FLYT_TRY(proceed(call_, "committing a conversion"));
      const std::uint64_t begin = block * block_bytes;
      FLYT_TRY(see(block, cursor.within(begin, begin + block_size(block, length_))));
    }
    return ok();
  }
  Digest digest(const std::vector<std::byte>& bytes, std::uint64_t block) const {
    return sha256(std::span(bytes).first(block_size(block, length_)));
  }

  const CommitRequest& request_;
  const Call& call_;
  std::uint64_t length_ = 0;
  Connections overlays_, targets_;
  ExtentList changed_{std::numeric_limits<std::size_t>::max()};  // exact: what is outside counts
  std::vector<std::byte> overlay_, target_;
  std::vector<Record> records_;
  std::uint32_t epoch_ = 0;
  std::uint64_t epoch_bytes_ = 0;
  CommitReport report_;
};

Status Commit::take_extents() {
  for (const Extent& extent : request_.changed) {
    const std::uint64_t end = extent.offset + extent.length;
    changed_.add({extent.offset, std::min(end, length_)});
    if (end <= length_) continue;
    // An overlay's clusters may reach over the end, but hold nothing there.
    NbdConnection& overlay = *overlays_.front();
    const Range behind{std::max(extent.offset, length_), std::min(end, overlay.server().size)};
    FLYT_ASSIGN(const bool clean, reads_zero(overlay, behind, call_));
    if (!clean) {
      return Error{
          Errc::corrupt, "the conversion wrote behind the end of the source's disk",
          fmt::format("between {} and {}, the disk ends at {}", behind.begin, behind.end, length_)};
    }
  }
  for (const Range& range : changed_.ranges()) report_.changed_bytes += range.end - range.begin;
  return ok();
}

Status Commit::read_overlay(std::uint64_t block) {
  std::fill(overlay_.begin(), overlay_.end(), std::byte{0});
  return overlays_.front()->read(block * block_bytes,
                                 std::span(overlay_).first(block_size(block, length_)), call_);
}

Status Commit::check_all(const Manifest& manifest) {
  Manifest::Cursor cursor(manifest);
  epoch_ = manifest.last_epoch() + 1;
  return each_block([&](std::uint64_t block, const Changes& changes) {
    ++report_.changed_blocks;
    return check(block, changes, cursor.at(block));
  });
}

// A walk of its own: a check that fails has to leave the manifest as it was, and what is to become
// void is too much to keep until all is checked.
Status Commit::void_all(Manifest& manifest) {
  Manifest::Cursor cursor(manifest);
  Voids voids(manifest, conversion_view);
  FLYT_TRY(each_block([&](std::uint64_t block, const Changes&) {
    return cursor.at(block).conversion ? ok() : voids.add(block, 1);
  }));
  return voids.finish();
}

// Errc::corrupt when the block is neither the synced copy nor the overlay's.
Status Commit::check(std::uint64_t block, const Changes& changes, const Segment& segment) {
  if (!segment.source || segment.source->kind == RecordKind::nothing) {
    return Error{Errc::invalid,
                 fmt::format("block {} was never synced: nothing can be committed", block)};
  }
  FLYT_TRY(read_overlay(block));
  const std::uint64_t size = block_size(block, length_);
  FLYT_TRY(targets_.front()->read(block * block_bytes, std::span(target_).first(size), call_));
  const Digest on_target = digest(target_, block);
  const auto of = [&](const Record& record) {
    return record.kind == RecordKind::zero ? zero_digest(size) : record.digest;
  };
  const auto neither = [&] {
    return Error{Errc::corrupt,
                 fmt::format("block {} of the target is neither the synced copy nor the converted "
                             "one",
                             block),
                 {},
                 "something else wrote to the target",
                 "nothing was committed now",
                 {}};
  };
  if (segment.conversion && segment.conversion->kind != RecordKind::nothing) {
    if (of(*segment.conversion) != on_target || digest(overlay_, block) != on_target) {
      return neither();
    }
    return ok();
  }
  FLYT_TRY(outside(block, changes, "the overlay's differ"));
  if (!segment.conversion && of(*segment.source) != on_target) return neither();
  return ok();
}

// Outside of the changed extents, overlay and target are the same.
Status Commit::outside(std::uint64_t block, const Changes& changes, const char* what) {
  const std::uint64_t begin = block * block_bytes, size = block_size(block, length_);
  std::uint64_t at = 0;
  const auto same = [&](std::uint64_t end) {
    return end <= at || std::memcmp(&overlay_[at], &target_[at], end - at) == 0;
  };
  for (const Range& range : changes) {
    if (!same(range.begin - begin)) break;
    at = range.end - begin;
    if (range.end == begin + size) return ok();
  }
  if (same(size)) return ok();
  return Error{Errc::corrupt,
               fmt::format("block {} of the target was changed outside of what the conversion "
                           "wrote",
                           block),
               what,
               "the list of changed extents is not complete, or something else wrote to the target",
               "nothing was committed now"};
}

Status Commit::write_all(Manifest& manifest) {
  if (request_.progress != nullptr) request_.progress->total(report_.changed_bytes);
  Manifest::Cursor cursor(manifest);  // as it was before the voids
  Status written = each_block([&](std::uint64_t block, const Changes& changes) -> Status {
    const Segment segment = cursor.at(block);
    if (segment.conversion && segment.conversion->kind != RecordKind::nothing) return ok();
    FLYT_TRY(write(block, changes));
    const bool full = epoch_bytes_ >= epoch_bytes(length_) || records_.size() >= append_records;
    return full ? end_epoch(manifest) : ok();
  });
  return written ? end_epoch(manifest) : written;
}

Status Commit::write(std::uint64_t block, const Changes& changes) {
  FLYT_TRY(read_overlay(block));
  NbdConnection& target = *targets_.front();
  const std::uint64_t unit = target.server().min_request, begin = block * block_bytes;
  std::uint64_t written = begin;
  for (const Range& range : changes) {
    // Rounded to the server's unit: the bytes around are the same on both sides.
    const std::uint64_t from = std::max(written, range.begin / unit * unit);
    const std::uint64_t to = std::min((range.end + unit - 1) / unit * unit, target.server().size);
    if (from >= to) continue;
    FLYT_TRY(write({from, to}, std::span(overlay_).subspan(from - begin, to - from)));
    written = to;
    if (request_.progress != nullptr) request_.progress->advance(range.end - range.begin);
  }
  const bool zero = is_zero(std::span(overlay_).first(block_size(block, length_)));
  records_.push_back({block, 1, conversion_view, epoch_, zero ? RecordKind::zero : RecordKind::data,
                      zero ? Digest{} : digest(overlay_, block)});
  return ok();
}

Status Commit::write(Range range, std::span<const std::byte> bytes) {
  NbdConnection& target = *targets_.front();
  if (is_zero(bytes)) return target.zero(range.begin, bytes.size(), call_);
  FLYT_TRY(target.write(range.begin, bytes, call_));
  epoch_bytes_ += bytes.size();
  if (const auto& limit = request_.tuning.target_rate) {
    return wait(limit->take(bytes.size(), Epochs::Clock::now()), call_, "committing a conversion");
  }
  return ok();
}

Status Commit::end_epoch(Manifest& manifest) {
  FLYT_TRY(targets_.front()->flush(call_));
  FLYT_TRY(manifest.append(records_));
  FLYT_TRY(manifest.sync());
  records_.clear();
  epoch_bytes_ = 0;
  ++epoch_;
  return ok();
}

}  // namespace

Result<CommitReport> commit_overlay(const CommitRequest& request, const Call& call) {
  if (request.overlay == nullptr || request.target == nullptr ||
      request.overlay->info().uri.empty() || request.target->info().uri.empty()) {
    return Error{Errc::invalid, "a commit needs an overlay and a target that are NBD"};
  }
  return Commit(request, call).run();
}

}  // namespace flyt::movers
