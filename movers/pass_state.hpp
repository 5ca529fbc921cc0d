// What the event loops of one pass share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "base/call.hpp"
#include "movers/epochs.hpp"
#include "movers/mover.hpp"
#include "movers/nbd_connection.hpp"
#include "movers/work.hpp"

namespace flyt::movers {

// How long a target may take, after a stop, to answer what it was asked: what it has done must not
// be lost. Of a source nothing is wanted any more.
inline constexpr std::chrono::seconds target_patience{60}, source_patience{2};

// Gets the digests of a pass that only reads, in block order.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void seen(const Item& item, const Digest& digest) = 0;
};

// Digests as they come; gives them on in block order.
class Reorder {
 public:
  explicit Reorder(Sink& sink) : sink_(sink) {}
  void issued(std::uint64_t first);  // in the order in which seen() is to be called
  void seen(const Item& item, const Digest& digest);

 private:
  struct Waiting {
    std::uint64_t first;
    bool ready = false;
    Item item;
    Digest digest{};
  };
  Sink& sink_;
  std::deque<Waiting> waiting_;
};

struct PassCounters {
  std::atomic<std::uint64_t> read{0}, written{0}, zeroed{0};
  std::atomic<std::uint64_t> left_out{0};  // blocks that differ and are not Item::listed
};

// Thread-safe.
class PassState {
 public:
  struct Input {
    Work* work = nullptr;
    std::uint64_t length = 0;
    ViewNumber view = 0;
    bool skip_zeroes = false;  // never written blocks of the target read as zero
    Epochs* epochs = nullptr;  // a pass that writes has these two
    Recorder* recorder = nullptr;
    Sink* sink = nullptr;  // one that only reads has this
    const CopyTuning* tuning = nullptr;
    ProgressSink* progress = nullptr;
  };
  PassState(const Input& input, const Call& call);

  const Input& in() const { return in_; }
  const Call& call() const { return call_; }
  std::optional<Item> next();
  void seen(const Item& item, const Digest& digest);

  // The first error counts. `target`: nothing more can be written or flushed there.
  void fail(Error error, bool target_lost);
  bool stopping() const { return stopping_; }
  bool target_lost() const { return target_lost_; }
  std::optional<Error> error() const;
  // Looks at the call and the recorder.
  void check();

  PassCounters counters;

 private:
  Input in_;
  const Call& call_;
  mutable std::mutex mutex_;
  std::optional<Reorder> reorder_;
  std::optional<Error> error_;
  std::atomic<bool> stopping_{false}, target_lost_{false};
};

}  // namespace flyt::movers
