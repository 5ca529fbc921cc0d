#include "movers/recorder.hpp"

#include <utility>

namespace flyt::movers {

Recorder::Recorder(Manifest& manifest) : manifest_(manifest), thread_([this] { run(); }) {}

Recorder::~Recorder() {
  (void)finish();  // who cares has called it
}

void Recorder::add(std::vector<Record> records, std::function<void()> durable) {
  const std::lock_guard lock(mutex_);
  records_.insert(records_.end(), records.begin(), records.end());
  if (durable) durable_.push_back(std::move(durable));
  wake_.notify_one();
}

Status Recorder::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Status Recorder::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  return status();
}

void Recorder::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return ending_ || !records_.empty() || !durable_.empty(); });
    if (records_.empty() && durable_.empty()) return;
    const auto records = std::exchange(records_, {});
    const auto durable = std::exchange(durable_, {});
    if (!status_) continue;
    lock.unlock();
    Status done = manifest_.append(records);
    if (done) done = manifest_.sync();
    if (done) {
      for (const auto& call : durable) call();
    }
    lock.lock();
    if (!done) status_ = std::move(done);
  }
}

}  // namespace flyt::movers
