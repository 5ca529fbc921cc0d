#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/units.hpp"
#include "movers/block.hpp"
#include "movers/block_pool.hpp"
#include "movers/claims.hpp"
#include "movers/disk_ends.hpp"
#include "movers/drain.hpp"
#include "movers/epochs.hpp"
#include "movers/feed.hpp"
#include "movers/operations.hpp"
#include "movers/trust.hpp"

namespace flyt::movers {

namespace {

constexpr std::size_t lanes = 4;  // blocks that are hashed together
constexpr std::chrono::seconds max_age{5};

// One block after the other: what is on the target by the manifest is not sent again, whatever view
// it is of. A stream that breaks begins again at its start and costs no second write.
class StreamCopy {
 public:
  StreamCopy(const CopyRequest& request, const Call& call)
      : request_(request), call_(call), length_(request.source->info().size_bytes) {}

  Result<CopyReport> run() {
    FLYT_TRY(open_target());
    FLYT_TRY(open_source());
    FLYT_ASSIGN(auto manifest, Manifest::open({request_.manifest, length_, request_.view, true}));
    FLYT_TRY(trust(manifest));
    FLYT_ASSIGN(const BlockPool pool, BlockPool::make(lanes));
    epoch_ = manifest.last_epoch() + 1;
    opened_ = Epochs::Clock::now();
    skip_zeroes_ = request_.fresh_target && request_.target->info().reads_zero &&
                   manifest.header().first_view == request_.view;
    if (request_.progress != nullptr) request_.progress->total(length_);
    if (Status done = send_all(manifest, pool); !done) {
      // What was written is worth keeping, if the target still takes a flush.
      if (!flush_failed_) (void)end_epoch(manifest, Call{}.within(target_patience));
      return explain(std::move(done).error());
    }
    if (Status done = end_epoch(manifest, call_); !done) return explain(std::move(done).error());
    FLYT_TRY(manifest.seal(request_.view));
    FLYT_ASSIGN(report_.root, manifest.root(Manifest::Layer::source));
    report_.length = length_;
    return report_;
  }

 private:
  struct Block {
    Feed::Part part;
    std::span<std::byte> data;  // of the pool
    Digest digest{};
    bool send = false, record = false, known = false;
  };

  Status open_target();
  Status open_source();
  Status trust(Manifest& manifest);
  Status send_all(Manifest& manifest, const BlockPool& pool);
  Result<std::optional<Feed::Part>> next(std::span<std::byte> buffer) {
    FLYT_TRY(proceed(call_, "copying a stream"));
    return feed_->next(buffer, call_);
  }
  Status send(std::span<Block> blocks, Manifest& manifest, Manifest::Cursor& cursor);
  Status write(const Block& block);
  void judge(Block& block, Manifest::Cursor& cursor);
  Status end_epoch(Manifest& manifest, const Call& call);
  std::uint64_t bytes(const Block& block) const {
    return block.part.count > 1 ? block.part.count * block_bytes
                                : block_size(block.part.first, length_);
  }
  Error explain(Error error) const {
    error.state =
        fmt::format("{} of this run are on the target and proven", format_size(proven_bytes_));
    return error;
  }

  const CopyRequest& request_;
  const Call& call_;
  std::uint64_t length_;
  Connections sources_, targets_;
  std::unique_ptr<Feed> feed_;
  std::unique_ptr<Drain> drain_;
  bool skip_zeroes_ = false, flush_failed_ = false;
  std::uint32_t epoch_ = 0;
  std::uint64_t epoch_bytes_ = 0, proven_bytes_ = 0;
  Epochs::Clock::time_point opened_;
  std::vector<Record> records_;  // of the epoch
  CopyReport report_;
};

Status StreamCopy::open_target() {
  Channel& target = *request_.target;
  if (!target.info().uri.empty()) {
    FLYT_ASSIGN(targets_, connect_target(target, length_, call_));
    FLYT_TRY(zero_tail(*targets_.front(), length_, call_));
    drain_ = make_disk_drain(*targets_.front());
    return ok();
  }
  if (target.info().size_bytes < length_) {
    return Error{Errc::invalid, fmt::format("the target has {} bytes, the source {}",
                                            target.info().size_bytes, length_)};
  }
  // An upload begins anew: nothing is on the target yet.
  std::error_code error;
  std::filesystem::remove(request_.manifest, error);
  if (error) return system_error("cannot remove an old manifest", error.value());
  drain_ = make_stream_drain(target);
  return ok();
}

Status StreamCopy::open_source() {
  if (request_.source->info().uri.empty()) {
    feed_ = make_stream_feed(*request_.source);
    return ok();
  }
  FLYT_ASSIGN(sources_, connect(*request_.source, Side::source, call_));
  FLYT_ASSIGN(ExtentList data, data_of(request_, *sources_.front(), report_, call_));
  feed_ = make_disk_feed(*sources_.front(), length_, std::move(data));
  return ok();
}

Status StreamCopy::trust(Manifest& manifest) {
  if (manifest.empty()) return ok();
  FLYT_ASSIGN(const TrustReport found,
              check_trust(manifest, *request_.target, targets_, request_.tuning, call_));
  report_.checked_bytes = found.checked_bytes;
  report_.distrusted = found.distrusted;
  return ok();
}

Status StreamCopy::send_all(Manifest& manifest, const BlockPool& pool) {
  Manifest::Cursor cursor(manifest);
  for (bool more = true; more;) {
    std::array<Block, lanes> blocks;
    std::array<std::span<const std::byte>, lanes> to_hash;
    std::array<Digest, lanes> digests;
    std::size_t count = 0, hashed = 0;
    Status fed;
    while (count < lanes && more) {
      Block& block = blocks[count];
      block.data = pool.block(count);
      const auto part = next(block.data);
      if (!part) fed = part.error();
      more = part && part->has_value();
      if (!more) break;
      block.part = **part;
      block.data = block.data.first(block.part.zero ? 0 : bytes(block));
      report_.read_bytes += block.data.size();
      if (!block.part.zero && is_zero(block.data)) block.part.zero = true;
      if (!block.part.zero) to_hash[hashed++] = block.data;
      ++count;
    }
    sha256_each(std::span(to_hash).first(hashed), std::span(digests).first(hashed));
    hashed = 0;
    for (Block& block : std::span(blocks).first(count)) {
      block.digest =
          block.part.zero ? zero_digest(std::min(bytes(block), block_bytes)) : digests[hashed++];
    }
    FLYT_TRY(send(std::span(blocks).first(count), manifest, cursor));
    FLYT_TRY(fed);  // what came before it is worth sending
  }
  const std::uint64_t size = request_.target->info().size_bytes;
  if (targets_.empty() && size > length_) return drain_->zero(length_, size - length_, call_);
  return ok();
}

// A run is sent if one of its blocks has to be.
void StreamCopy::judge(Block& block, Manifest::Cursor& cursor) {
  const std::uint64_t end = block.part.first + block.part.count;
  for (std::uint64_t at = block.part.first; at < end;) {
    const Segment segment = cursor.at(at);
    const Record* target = segment.on_target();
    block.known = block.known || segment.source || segment.conversion;
    const Digest digest = target == nullptr ? Digest{}
                          : target->kind == RecordKind::data
                              ? target->digest
                              : zero_digest(std::min(bytes(block), block_bytes));
    if (target == nullptr || digest != block.digest) block.send = true;
    if (target == nullptr || target->view != request_.view) block.record = true;
    at = segment.end;
  }
  block.record = block.record || block.send;
}

Status StreamCopy::send(std::span<Block> blocks, Manifest& manifest, Manifest::Cursor& cursor) {
  std::vector<Record> voids;
  for (Block& block : blocks) {
    judge(block, cursor);
    if (block.send && block.known) {
      voids.push_back(
          {block.part.first, block.part.count, request_.view, 0, RecordKind::nothing, {}});
    }
  }
  if (!voids.empty()) {
    FLYT_TRY(manifest.append(voids));
    FLYT_TRY(manifest.sync());
  }
  for (const Block& block : blocks) {
    if (block.send) FLYT_TRY(write(block));
    if (!block.send && !block.part.zero) report_.kept_bytes += bytes(block);
    if (block.record) {
      records_.push_back({block.part.first, block.part.count, request_.view, epoch_,
                          block.part.zero ? RecordKind::zero : RecordKind::data,
                          block.part.zero ? Digest{} : block.digest});
    }
    if (request_.progress != nullptr) request_.progress->advance(bytes(block));
  }
  const bool full = epoch_bytes_ >= epoch_bytes(length_) || records_.size() >= append_records ||
                    Epochs::Clock::now() - opened_ >= max_age;
  return full ? end_epoch(manifest, call_) : ok();
}

Status StreamCopy::write(const Block& block) {
  const std::uint64_t offset = block.part.first * block_bytes, size = bytes(block);
  if (block.part.zero) {
    // A stream's target is told of zeroes: offsets there have no gaps.
    if (skip_zeroes_ && !block.known && !targets_.empty()) return ok();
    report_.zeroed_bytes += size;
    return drain_->zero(offset, size, call_);
  }
  report_.written_bytes += size;
  epoch_bytes_ += size;
  for (const auto& limit : {request_.tuning.source_rate, request_.tuning.target_rate}) {
    if (limit) FLYT_TRY(wait(limit->take(size, Epochs::Clock::now()), call_, "copying a stream"));
  }
  return drain_->write(offset, block.data, call_);
}

Status StreamCopy::end_epoch(Manifest& manifest, const Call& call) {
  if (Status flushed = drain_->flush(call); !flushed) {
    flush_failed_ = true;
    return flushed;
  }
  FLYT_TRY(manifest.append(records_));
  FLYT_TRY(manifest.sync());
  records_.clear();
  proven_bytes_ += std::exchange(epoch_bytes_, 0);
  ++epoch_;
  opened_ = Epochs::Clock::now();
  return ok();
}

}  // namespace

Result<CopyReport> copy_stream(const CopyRequest& request, const Call& call) {
  return StreamCopy(request, call).run();
}

}  // namespace flyt::movers
