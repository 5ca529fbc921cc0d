// Which parts of a disk count: those that hold data, or those that have changed.
#pragma once

#include <cstdint>
#include <vector>

namespace flyt::movers {

struct Range {
  std::uint64_t begin = 0, end = 0;
  bool operator==(const Range&) const = default;
};

// Ascending, disjoint ranges in bounded memory: beyond `limit` ranges the smallest gaps are closed,
// so that more counts than must, never less.
class ExtentList {
 public:
  explicit ExtentList(std::size_t limit = std::size_t{1} << 18) : limit_(limit) {}

  static ExtentList all(std::uint64_t length);  // of a disk

  // REQUIRES: begin is not before the begin of the last one; an empty range adds nothing.
  void add(Range range);
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  void close_gaps();

  std::size_t limit_;
  std::uint64_t gap_ = 0;  // gaps up to this are closed
  std::vector<Range> ranges_;
};

// Walks an ExtentList, which must outlive it and stay as it is, in ascending order.
class ExtentCursor {
 public:
  explicit ExtentCursor(const ExtentList& list) : ranges_(&list.ranges()) {}
  // The first range that ends after `offset`; {max, max}: none. REQUIRES: offsets ascend.
  Range from(std::uint64_t offset);
  // All that overlap [begin, end), cut to it. REQUIRES: as from().
  std::vector<Range> within(std::uint64_t begin, std::uint64_t end);

 private:
  const std::vector<Range>* ranges_;
  std::size_t index_ = 0;
};

}  // namespace flyt::movers
