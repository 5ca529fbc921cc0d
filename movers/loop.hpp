// One event loop of a pass: reads blocks, writes them on as they come, and hashes them four at a
// time meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "movers/block_pool.hpp"
#include "movers/pass_state.hpp"

namespace flyt::movers {

// Set in one thread, seen by poll() in another.
class Signal {
 public:
  Signal();
  void set();
  bool take();  // whether it was set since
  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

// Lives in one thread. `target` is null in a pass that only reads.
class Loop {
 public:
  Loop(PassState& pass, NbdConnection& source, NbdConnection* target, const BlockPool& pool,
       std::size_t first_block, std::size_t blocks);
  // Until nothing is left to do or the pass is stopping; all requests have come back then, unless a
  // server does not answer.
  void run();

 private:
  enum class State : std::uint8_t { idle, reading, hashing, voiding, writing };
  struct Slot {
    State state = State::idle;
    Item item;
    std::span<std::byte> buffer;
    std::uint64_t offset = 0, size = 0;  // of the disk; a run's size is that of all its blocks
    unsigned requests = 0;               // out
    bool failed = false, zero = false, hashed = false;
    std::uint32_t epoch = 0;
    Digest digest{};
  };

  void fill();
  void begin(Slot& slot, const Item& item);
  void read(Slot& slot);
  void read_part(Slot& slot, Range part);
  void has_read(Slot& slot);
  void decide(Slot& slot);
  void write(Slot& slot);
  void write_zeroes(Slot& slot);
  void write_data(Slot& slot);
  void has_written(Slot& slot);
  void finish(Slot& slot, std::uint32_t written);
  void release(Slot& slot);
  void hash(std::size_t least);
  void void_first();
  void flush();
  void collect();
  void collect(NbdConnection& connection, bool from_target);
  void wait();
  void pace(RateLimit* limit, std::uint64_t bytes);
  bool finished();
  bool target_owes() const;
  std::uint64_t tag(const Slot& slot) const;

  PassState& pass_;
  NbdConnection& source_;
  NbdConnection* target_;
  std::vector<Slot> slots_;
  std::vector<Slot*> to_hash_, to_void_, voiding_;
  std::shared_ptr<Signal> voided_;
  std::size_t reading_ = 0, busy_ = 0;
  bool exhausted_ = false, flushing_ = false;
  bool held_ = false;  // waits for a flush before it reads on
  std::chrono::steady_clock::time_point not_before_{}, stopped_{};
};

}  // namespace flyt::movers
