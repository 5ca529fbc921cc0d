// Flush before record: which writes belong together, when to flush, and which records may then be
// kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "movers/recorder.hpp"

namespace flyt::movers {

// Bytes of data in one epoch of a disk of `length` bytes: 0.5 %, 32 to 256 MiB.
std::uint64_t epoch_bytes(std::uint64_t length);

// Thread-safe. A write joins the epoch that is open when it is posted. An epoch is closed by its
// size or age; when all its writes are done, a flush that begins then covers it.
class Epochs {
 public:
  using Clock = std::chrono::steady_clock;
  // `first`: number of the first epoch; grows by one. Records go to `recorder`.
  Epochs(std::uint64_t limit, std::uint32_t first, Recorder& recorder);

  // Before posting a write of `bytes`: the number of its epoch.
  std::uint32_t join(std::uint64_t bytes);
  // The write is done and its digest known. `epoch` is what join() said; the record's own is
  // another where the target has held the block since then, and nothing was written.
  void done(std::uint32_t epoch, const Record& record);

  // True: the caller flushes now, on one connection, and says flushed(). Never while another flush
  // is out. `close`: also what is not full, for the end of a pass.
  bool must_flush(Clock::time_point now, bool close);
  // A failed flush: nothing is recorded any more.
  void flushed(bool good);
  // So much is written and not flushed that nothing more should be begun: a crash now would cost
  // more than writing it again is worth.
  bool too_far() const;
  // Bytes of data recorded after a good flush.
  std::uint64_t proven_bytes() const;

 private:
  struct Epoch {
    std::uint64_t bytes = 0;
    std::uint64_t outstanding = 0;
    std::vector<Record> records;
    bool closed = false;
    Clock::time_point opened;
  };
  Epoch& open();

  const std::uint64_t limit_, far_;
  Recorder& recorder_;
  mutable std::mutex mutex_;
  std::deque<Epoch> epochs_;  // the last may be open
  std::uint32_t front_;       // number of epochs_.front()
  std::size_t flushing_ = 0;  // so many from the front are covered by the flush that is out
  bool failed_ = false;
  std::uint64_t unproven_ = 0, proven_ = 0;
};

}  // namespace flyt::movers
