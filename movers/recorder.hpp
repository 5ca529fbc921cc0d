// Appends records to a manifest and syncs them, in a thread of its own: fdatasync waits behind the
// write-back of the data.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "movers/manifest.hpp"

namespace flyt::movers {

class Recorder {
 public:
  // `manifest` must outlive it; nobody else appends meanwhile.
  explicit Recorder(Manifest& manifest);
  ~Recorder();  // as finish()

  // Thread-safe. `durable`, if any, is called in the recorder's thread once the records are on
  // stable storage; never when that failed.
  void add(std::vector<Record> records, std::function<void()> durable = {});
  // Thread-safe. An error stays: nothing is appended after it.
  Status status() const;
  // Waits until all is synced and ends the thread.
  Status finish();

 private:
  void run();

  Manifest& manifest_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Record> records_;
  std::vector<std::function<void()>> durable_;
  Status status_;
  bool ending_ = false;
  std::thread thread_;  // last: uses the others
};

}  // namespace flyt::movers
