#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/units.hpp"
#include "movers/block.hpp"
#include "movers/claims.hpp"
#include "movers/disk_ends.hpp"
#include "movers/operations.hpp"
#include "movers/trust.hpp"

namespace flyt::movers {

namespace {

Error disorder(std::string_view how, std::string seen) {
  return {Errc::internal, fmt::format("the source's changed extents {}", how), std::move(seen),
          "a defect of the source's driver or of its platform's change tracking",
          "nothing of this sync was written"};
}

class DiskCopy {
 public:
  DiskCopy(const CopyRequest& request, const Call& call)
      : request_(request), call_(call), length_(request.source->info().size_bytes) {}

  Result<CopyReport> run() {
    FLYT_TRY(connect_both());
    FLYT_ASSIGN(auto manifest, Manifest::open({request_.manifest, length_, request_.view, true}));
    FLYT_TRY(trust(manifest));
    FLYT_TRY(zero_tail(*targets_.front(), length_, call_));
    FLYT_TRY(pass(manifest));
    FLYT_TRY(manifest.seal(request_.view));
    FLYT_ASSIGN(report_.root, manifest.root(Manifest::Layer::source));
    report_.length = length_;
    return report_;
  }

 private:
  Status connect_both();
  Status trust(Manifest& manifest);
  Status pass(Manifest& manifest);
  Result<Pass> find_changes(const Manifest& manifest);
  Result<bool> list_changes(const Manifest& manifest);
  void note(std::string_view words);
  Status take_change(const Extent& extent, std::uint64_t& from);
  Status flush_rest(const PassState& pass, Epochs& epochs);
  Error explain(Error error, const Epochs& epochs) const;

  const CopyRequest& request_;
  const Call& call_;
  std::uint64_t length_;
  Connections sources_, targets_;
  ExtentList changed_;
  bool listed_ = false;
  CopyReport report_;
};

Status DiskCopy::connect_both() {
  FLYT_ASSIGN(targets_, connect_target(*request_.target, length_, call_));
  FLYT_ASSIGN(sources_, connect(*request_.source, Side::source, call_));
  return ok();
}

Status DiskCopy::trust(Manifest& manifest) {
  if (manifest.empty()) return ok();
  note("checking what is on the target");
  FLYT_ASSIGN(const TrustReport found,
              check_trust(manifest, *request_.target, targets_, request_.tuning, call_));
  report_.checked_bytes = found.checked_bytes;
  report_.distrusted = found.distrusted;
  return ok();
}

// What to do, and what has changed where that is wanted.
Result<Pass> DiskCopy::find_changes(const Manifest& manifest) {
  if (request_.mode == CopyMode::full) return Pass::full;
  if (request_.mode == CopyMode::digest) return Pass::digest;
  FLYT_ASSIGN(listed_, list_changes(manifest));
  if (!listed_) return Pass::digest;
  if (!request_.distrust) {
    FLYT_ASSIGN(const bool same,
                rest_is_same(request_, *sources_.front(), manifest, changed_, call_));
    if (same) return Pass::tracked;
    note("change tracking has left something out: reading all");
  }
  return Pass::digest;
}

void DiskCopy::note(std::string_view words) {
  if (request_.progress != nullptr) request_.progress->note(words);
}

// False: the source cannot tell since what the target holds.
Result<bool> DiskCopy::list_changes(const Manifest& manifest) {
  const auto read_all = [this](std::string_view why) {
    note(why);
    return false;
  };
  if (request_.base == 0 || request_.base != manifest.header().complete_view) {
    return read_all("the changes are not since what the target holds: reading all");
  }
  for (std::uint64_t from = 0; from < length_;) {
    auto page = request_.source->changed(from, call_);
    if (!page && page.error().code == Errc::unsupported) {
      return read_all("no change tracking: reading all");
    }
    if (!page) return std::move(page).error();
    if (page->empty()) break;
    const std::uint64_t before = from;
    for (const Extent& extent : *page) FLYT_TRY(take_change(extent, from));
    if (from <= before) return disorder("do not go on", fmt::format("at {}", before));
  }
  return true;
}

// One that steps back would be lost in the list, and with it the change.
Status DiskCopy::take_change(const Extent& extent, std::uint64_t& from) {
  if (extent.offset < from || extent.length > UINT64_MAX - extent.offset) {
    return disorder("do not ascend",
                    fmt::format("{} bytes at {} after {}", extent.length, extent.offset, from));
  }
  from = extent.offset + extent.length;
  changed_.add({extent.offset, std::min(from, length_)});
  return ok();
}

Status DiskCopy::pass(Manifest& manifest) {
  FLYT_ASSIGN(const ExtentList data, data_of(request_, *sources_.front(), report_, call_));
  if (report_.wrong_map) FLYT_TRY(forget_zeroes(manifest));
  FLYT_ASSIGN(const Pass kind, find_changes(manifest));
  const bool skip_zeroes = request_.fresh_target && request_.target->info().reads_zero &&
                           manifest.header().first_view == request_.view;
  WorkInput input{kind, length_, request_.view, &data, listed_ ? &changed_ : nullptr, &manifest};
  if (!targets_.front()->server().can_zero && !skip_zeroes) input.max_run = 1;
  const std::uint32_t epoch = manifest.last_epoch() + 1;
  Voids voids(manifest, request_.view);
  FLYT_ASSIGN(const WorkTotal total, add_up(input, &voids));
  FLYT_TRY(voids.finish());
  report_.kept_bytes = total.kept_bytes;
  if (request_.progress != nullptr) request_.progress->total(total.data_bytes);

  Work work(input);
  Recorder recorder(manifest);
  Epochs epochs(epoch_bytes(length_), epoch, recorder);
  PassState pass({&work, length_, request_.view, skip_zeroes, &epochs, &recorder, nullptr,
                  &request_.tuning, request_.progress},
                 call_);
  FLYT_TRY(run_loops(pass, *request_.source, sources_, request_.target, &targets_));
  Status flushed = flush_rest(pass, epochs);
  Status recorded = recorder.finish();
  report_.read_bytes = pass.counters.read;
  report_.written_bytes = pass.counters.written;
  report_.zeroed_bytes = pass.counters.zeroed;
  if (listed_ && kind == Pass::digest) report_.left_out = pass.counters.left_out;
  if (auto error = pass.error()) return explain(*std::move(error), epochs);
  if (!flushed) return explain(std::move(flushed).error(), epochs);
  if (!recorded) return explain(std::move(recorded).error(), epochs);
  return ok();
}

Status DiskCopy::flush_rest(const PassState& pass, Epochs& epochs) {
  if (pass.target_lost() || targets_.empty() || targets_.front()->dead()) return ok();
  const Call patient = Call{}.within(target_patience);  // a stop must not void what is done
  while (epochs.must_flush(Epochs::Clock::now(), true)) {
    Status done = targets_.front()->flush(pass.stopping() ? patient : call_);
    epochs.flushed(done.has_value());
    if (!done) return done;
  }
  return ok();
}

Error DiskCopy::explain(Error error, const Epochs& epochs) const {
  error.state =
      fmt::format("{} of this run are on the target and proven; the same copy goes on from there",
                  format_size(epochs.proven_bytes()));
  return error;
}

}  // namespace

Result<CopyReport> copy_disk(const CopyRequest& request, const Call& call) {
  return DiskCopy(request, call).run();
}

}  // namespace flyt::movers
