#include "movers/work.hpp"

#include <algorithm>

#include "movers/block.hpp"

namespace flyt::movers {

Work::Work(const WorkInput& input)
    : in_(input), blocks_(block_count(input.length)), data_(*input.data) {
  if (in_.manifest != nullptr) manifest_.emplace(*in_.manifest);
  if (in_.only != nullptr) only_.emplace(*in_.only);
}

Work::Verdict Work::judge(const Segment& segment, bool touched) const {
  const Record* target = segment.on_target();
  if (in_.pass == Pass::check) {
    // Without a manifest all is looked at; with `only`, what it touches and the manifest knows.
    const bool wanted = in_.only == nullptr || (touched && target != nullptr);
    return wanted ? Verdict::compare : Verdict::skip;
  }
  const bool known = target != nullptr && !segment.conversion;
  if (known && target->view == in_.view) return Verdict::skip;
  if (in_.pass == Pass::digest) return target != nullptr ? Verdict::compare : Verdict::send;
  if (in_.pass == Pass::full || touched || !known) return Verdict::send;
  const ViewNumber base = in_.manifest->header().complete_view;
  return base != 0 && target->view == base ? Verdict::skip : Verdict::send;
}

Work::Stretch Work::stretch() {
  Stretch found{blocks_, {block_, blocks_, {}, {}}, Verdict::send, false};
  if (manifest_) found.segment = manifest_->at(block_);
  found.end = std::min(found.segment.end, blocks_);
  if (only_) {
    const Range range = only_->from(block_ * block_bytes);
    found.touched = range.begin / block_bytes <= block_;
    const std::uint64_t edge = found.touched ? block_count(range.end) : range.begin / block_bytes;
    found.end = std::min(found.end, std::max(edge, block_ + 1));
  }
  found.verdict = judge(found.segment, found.touched);
  return found;
}

std::optional<Item> Work::next() {
  while (block_ < blocks_) {
    const Stretch here = stretch();
    if (here.verdict != Verdict::skip) return item(here);
    const Record* target = here.segment.on_target();
    if (target != nullptr && target->kind == RecordKind::data) {
      kept_bytes_ += block_size(block_, in_.length);
    }
    block_ = here.end;
  }
  return {};
}

Item Work::item(const Stretch& stretch) {
  Item item;
  item.first = block_;
  item.compare = stretch.verdict == Verdict::compare;
  item.listed = in_.only == nullptr || stretch.touched;
  item.recorded = stretch.segment.source || stretch.segment.conversion;
  const std::uint64_t begin = block_ * block_bytes;
  const std::uint64_t size = block_size(block_, in_.length);
  const Range data = data_.from(begin);
  if (data.begin >= begin + size) {
    item.zero = true;
    // A run holds whole blocks only: all of one digest.
    const std::uint64_t whole = in_.length / block_bytes;
    const std::uint64_t end =
        std::min({stretch.end, data.begin / block_bytes, block_ + in_.max_run, whole});
    item.count = std::max<std::uint64_t>(1, end > block_ ? end - block_ : 0);
  } else {
    const std::vector<Range> parts = data_.within(begin, begin + size);
    if (parts.size() <= item.pieces.size()) {
      for (const Range& part : parts) {
        item.pieces[item.piece_count++] = {part.begin - begin, part.end - begin};
      }
    } else {
      item.pieces[item.piece_count++] = {parts.front().begin - begin, parts.back().end - begin};
    }
  }
  if (const Record* target = stretch.segment.on_target()) {
    item.known_since = target->epoch;
    item.known = target->kind == RecordKind::data ? target->digest : zero_digest(size);
  }
  block_ += item.count;
  return item;
}

Result<WorkTotal> add_up(const WorkInput& input, Voids* voids) {
  WorkTotal total;
  Work work(input);
  while (const auto item = work.next()) {
    for (unsigned i = 0; i < item->piece_count; ++i) {
      total.data_bytes += item->pieces[i].end - item->pieces[i].begin;
    }
    if (voids != nullptr && item->recorded && !item->compare) {
      FLYT_TRY(voids->add(item->first, item->count));
    }
  }
  total.kept_bytes = work.kept_bytes();
  return total;
}

}  // namespace flyt::movers
