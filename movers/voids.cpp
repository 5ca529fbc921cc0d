#include "movers/voids.hpp"

namespace flyt::movers {

Status Voids::add(std::uint64_t first, std::uint64_t count) {
  if (!records_.empty() && records_.back().end() == first) {
    records_.back().count += count;
    return ok();
  }
  if (records_.size() >= append_records) FLYT_TRY(finish());
  records_.push_back({first, count, view_, 0, RecordKind::nothing, {}});
  return ok();
}

Status Voids::finish() {
  if (records_.empty()) return ok();
  FLYT_TRY(manifest_.append(records_));
  FLYT_TRY(manifest_.sync());
  records_.clear();
  return ok();
}

}  // namespace flyt::movers
