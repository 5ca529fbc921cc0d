#include "movers/extent_list.hpp"

#include <algorithm>
#include <limits>

namespace flyt::movers {

ExtentList ExtentList::all(std::uint64_t length) {
  ExtentList all;
  all.add({0, length});
  return all;
}

void ExtentList::add(Range range) {
  if (range.begin >= range.end) return;
  if (!ranges_.empty() && range.begin <= ranges_.back().end + gap_) {
    ranges_.back().end = std::max(ranges_.back().end, range.end);
    return;
  }
  ranges_.push_back(range);
  if (ranges_.size() > limit_) close_gaps();
}

void ExtentList::close_gaps() {
  while (ranges_.size() > limit_ / 2) {
    gap_ = gap_ == 0 ? 4096 : gap_ * 2;
    std::size_t kept = 0;
    for (const Range& range : ranges_) {
      if (kept > 0 && range.begin - ranges_[kept - 1].end <= gap_) {
        ranges_[kept - 1].end = range.end;
      } else {
        ranges_[kept++] = range;
      }
    }
    ranges_.resize(kept);
  }
}

Range ExtentCursor::from(std::uint64_t offset) {
  while (index_ < ranges_->size() && (*ranges_)[index_].end <= offset) ++index_;
  if (index_ < ranges_->size()) return (*ranges_)[index_];
  constexpr auto max = std::numeric_limits<std::uint64_t>::max();
  return {max, max};
}

std::vector<Range> ExtentCursor::within(std::uint64_t begin, std::uint64_t end) {
  std::vector<Range> found;
  (void)from(begin);  // only moves
  for (std::size_t i = index_; i < ranges_->size() && (*ranges_)[i].begin < end; ++i) {
    found.push_back({std::max((*ranges_)[i].begin, begin), std::min((*ranges_)[i].end, end)});
  }
  return found;
}

}  // namespace flyt::movers
