#include "movers/pass_state.hpp"

#include <algorithm>
#include <utility>

namespace flyt::movers {

void Reorder::issued(std::uint64_t first) { waiting_.push_back({first, false, {}, {}}); }

void Reorder::seen(const Item& item, const Digest& digest) {
  const auto found =
      std::lower_bound(waiting_.begin(), waiting_.end(), item.first,
                       [](const Waiting& one, std::uint64_t first) { return one.first < first; });
  found->ready = true;
  found->item = item;
  found->digest = digest;
  while (!waiting_.empty() && waiting_.front().ready) {
    sink_.seen(waiting_.front().item, waiting_.front().digest);
    waiting_.pop_front();
  }
}

PassState::PassState(const Input& input, const Call& call) : in_(input), call_(call) {
  if (in_.sink != nullptr) reorder_.emplace(*in_.sink);
}

std::optional<Item> PassState::next() {
  const std::lock_guard lock(mutex_);
  auto item = in_.work->next();
  if (item && reorder_) reorder_->issued(item->first);
  return item;
}

void PassState::seen(const Item& item, const Digest& digest) {
  const std::lock_guard lock(mutex_);
  reorder_->seen(item, digest);
}

void PassState::fail(Error error, bool target_lost) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  if (target_lost) target_lost_ = true;
  stopping_ = true;
}

std::optional<Error> PassState::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void PassState::check() {
  if (stopping_) return;
  if (Status may = proceed(call_, "copying"); !may) fail(std::move(may).error(), false);
  if (in_.recorder == nullptr) return;
  if (Status good = in_.recorder->status(); !good) fail(std::move(good).error(), false);
}

}  // namespace flyt::movers
