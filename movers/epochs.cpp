#include "movers/epochs.hpp"

#include <algorithm>

#include "base/units.hpp"

namespace flyt::movers {

namespace {

constexpr std::chrono::seconds max_age{5};

}  // namespace

std::uint64_t epoch_bytes(std::uint64_t length) {
  return std::clamp(length / 200, 32 * mib, 256 * mib);
}

Epochs::Epochs(std::uint64_t limit, std::uint32_t first, Recorder& recorder)
    : limit_(limit), far_(std::max(3 * limit, 256 * mib)), recorder_(recorder), front_(first) {}

Epochs::Epoch& Epochs::open() {
  if (epochs_.empty() || epochs_.back().closed) {
    epochs_.emplace_back().opened = Clock::now();
  }
  return epochs_.back();
}

std::uint32_t Epochs::join(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  Epoch& epoch = open();
  const auto number = static_cast<std::uint32_t>(front_ + epochs_.size() - 1);
  epoch.bytes += bytes;
  unproven_ += bytes;
  ++epoch.outstanding;
  epoch.closed =
      epoch.bytes >= limit_ || epoch.records.size() + epoch.outstanding >= append_records;
  return number;
}

void Epochs::done(std::uint32_t epoch, const Record& record) {
  const std::lock_guard lock(mutex_);
  Epoch& its = epochs_[epoch - front_];
  its.records.push_back(record);
  --its.outstanding;
}

bool Epochs::must_flush(Clock::time_point now, bool close) {
  const std::lock_guard lock(mutex_);
  if (flushing_ > 0 || failed_ || epochs_.empty()) return false;
  Epoch& last = epochs_.back();
  last.closed = last.closed || close || now - last.opened >= max_age;
  while (flushing_ < epochs_.size() && epochs_[flushing_].closed &&
         epochs_[flushing_].outstanding == 0) {
    ++flushing_;
  }
  return flushing_ > 0;
}

void Epochs::flushed(bool good) {
  const std::lock_guard lock(mutex_);
  failed_ = failed_ || !good;
  for (; flushing_ > 0; --flushing_) {
    if (!failed_) {
      proven_ += epochs_.front().bytes;
      recorder_.add(std::move(epochs_.front().records));
    }
    unproven_ -= epochs_.front().bytes;
    epochs_.pop_front();
    ++front_;
  }
}

bool Epochs::too_far() const {
  const std::lock_guard lock(mutex_);
  return unproven_ >= far_;
}

std::uint64_t Epochs::proven_bytes() const {
  const std::lock_guard lock(mutex_);
  return proven_;
}

}  // namespace flyt::movers
