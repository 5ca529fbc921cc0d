#include "movers/loop.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "movers/block.hpp"

namespace flyt::movers {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t flush_tag = ~std::uint64_t{0};
constexpr std::size_t lanes = 4;  // of sha256_each()
constexpr int poll_ms = 50;
constexpr int held_poll_ms = 2;  // another loop's flush ends the wait
// For how long blocks wait for others to be hashed with: their buffers are not read into meanwhile,
// which a source that is slow for each stream feels, and one that fills the lanes does not.
constexpr int lanes_poll_ms = 2;

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) & ~(to - 1);
}

}  // namespace

Signal::Signal() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Signal::set() {
  const std::uint64_t one = 1;
  (void)!::write(fd_.get(), &one, sizeof one);  // only fails when it is set
}

bool Signal::take() {
  std::uint64_t count = 0;
  return ::read(fd_.get(), &count, sizeof count) == sizeof count;
}

Loop::Loop(PassState& pass, NbdConnection& source, NbdConnection* target, const BlockPool& pool,
           std::size_t first_block, std::size_t blocks)
    : pass_(pass),
      source_(source),
      target_(target),
      slots_(blocks),
      voided_(std::make_shared<Signal>()) {
  for (std::size_t i = 0; i < blocks; ++i) slots_[i].buffer = pool.block(first_block + i);
}

void Loop::run() {
  while (!finished()) {
    fill();
    hash(lanes);
    void_first();
    flush();
    if (reading_ == 0 || pass_.stopping()) hash(1);
    collect();  // what could not be posted is done at once
    if (finished()) break;
    wait();
    collect();
    pass_.check();
  }
  if (busy_ == 0 && !flushing_) return;
  const bool target = target_owes();
  pass_.fail({Errc::timed_out,
              fmt::format("the {}'s server does not answer", target ? "target" : "source")},
             target);
}

bool Loop::finished() {
  if (!pass_.stopping()) return exhausted_ && busy_ == 0 && !flushing_;
  if (stopped_ == Clock::time_point{}) stopped_ = Clock::now();
  for (Slot* slot : to_void_) release(*slot);  // not begun: not written
  to_void_.clear();
  for (Slot* slot : voiding_) release(*slot);
  voiding_.clear();
  if (busy_ == 0 && !flushing_) return true;
  return Clock::now() > stopped_ + (target_owes() ? target_patience : source_patience);
}

// Whether the target has not answered all that it was asked.
bool Loop::target_owes() const {
  return flushing_ || std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
           return slot.state == State::writing && slot.requests > 0;
         });
}

void Loop::fill() {
  for (Slot& slot : slots_) {
    if (pass_.stopping() || exhausted_ || Clock::now() < not_before_) return;
    held_ = target_ != nullptr && pass_.in().epochs->too_far();
    if (held_) return;
    // Zero items may be done at once: as many as there are.
    while (slot.state == State::idle && !pass_.stopping()) {
      const auto item = pass_.next();
      exhausted_ = !item;
      if (exhausted_) return;
      begin(slot, *item);
    }
  }
}

void Loop::begin(Slot& slot, const Item& item) {
  slot.item = item;
  slot.offset = item.first * block_bytes;
  slot.size = item.count > 1 ? item.count * block_bytes : block_size(item.first, pass_.in().length);
  slot.requests = 0;
  slot.failed = slot.hashed = slot.zero = false;
  ++busy_;
  if (!item.zero) {
    read(slot);
    return;
  }
  slot.zero = slot.hashed = true;
  slot.digest = zero_digest(std::min(slot.size, block_bytes));
  decide(slot);
}

void Loop::read(Slot& slot) {
  slot.state = State::reading;
  ++reading_;
  const std::uint64_t unit = source_.server().min_request;
  const std::uint64_t end_of_disk = source_.server().size - slot.offset;
  std::array<Range, 8> parts{};
  unsigned count = 0;
  for (unsigned i = 0; i < slot.item.piece_count; ++i) {
    const Range piece{slot.item.pieces[i].begin / unit * unit,
                      std::min(align_up(slot.item.pieces[i].end, unit), end_of_disk)};
    if (count > 0 && piece.begin <= parts[count - 1].end) {
      parts[count - 1].end = std::max(parts[count - 1].end, piece.end);
    } else {
      parts[count++] = piece;
    }
  }
  std::uint64_t at = 0;
  for (unsigned i = 0; i < count; ++i) {
    std::memset(slot.buffer.data() + at, 0, parts[i].begin - at);
    at = parts[i].end;
  }
  if (at < slot.size) std::memset(slot.buffer.data() + at, 0, slot.size - at);
  for (unsigned i = 0; i < count; ++i) read_part(slot, parts[i]);
}

void Loop::read_part(Slot& slot, Range part) {
  const std::uint64_t bytes = part.end - part.begin;
  pass_.counters.read += bytes;
  const CopyTuning& tuning = *pass_.in().tuning;
  pace((source_.side() == Side::target ? tuning.target_rate : tuning.source_rate).get(), bytes);
  while (part.begin < part.end) {
    const std::uint64_t size = std::min(part.end - part.begin, source_.server().max_request);
    ++slot.requests;
    source_.post_read(slot.offset + part.begin, slot.buffer.subspan(part.begin, size), tag(slot));
    part.begin += size;
  }
}

void Loop::has_read(Slot& slot) {
  --reading_;
  if (slot.failed || pass_.stopping()) {
    release(slot);
    return;
  }
  const auto data = slot.buffer.first(slot.size);
  slot.zero = is_zero(data);
  if (slot.zero) {
    slot.digest = zero_digest(slot.size);
    slot.hashed = true;
  }
  const bool at_once = target_ != nullptr && !slot.item.compare;
  slot.state = State::hashing;
  if (!slot.hashed) to_hash_.push_back(&slot);
  if (at_once) {
    write(slot);
  } else if (slot.hashed) {
    decide(slot);
  }
}

// The digest is known, nothing is written yet.
void Loop::decide(Slot& slot) {
  if (target_ == nullptr) {
    pass_.seen(slot.item, slot.digest);
    release(slot);
  } else if (slot.item.compare && slot.item.known == slot.digest) {
    slot.epoch = pass_.in().epochs->join(0);
    finish(slot, slot.item.known_since);
  } else if (slot.item.compare && slot.item.recorded) {
    if (!slot.item.listed) pass_.counters.left_out += slot.item.count;
    slot.state = State::voiding;
    to_void_.push_back(&slot);
  } else {
    write(slot);
  }
}

void Loop::write(Slot& slot) {
  slot.state = State::writing;
  if (slot.zero) {
    write_zeroes(slot);
  } else {
    slot.epoch = pass_.in().epochs->join(slot.size);
    write_data(slot);
  }
  if (slot.requests == 0 && slot.hashed) finish(slot, slot.epoch);
}

void Loop::write_zeroes(Slot& slot) {
  const bool skip = pass_.in().skip_zeroes && !slot.item.recorded;
  const bool as_data = !skip && !target_->server().can_zero;
  slot.epoch = pass_.in().epochs->join(as_data ? slot.size : 0);
  if (skip) return;
  pass_.counters.zeroed += slot.size;
  if (as_data) {
    // A pass gives out no runs when the target cannot zero.
    std::memset(slot.buffer.data(), 0, slot.size);
    write_data(slot);
    return;
  }
  const std::uint64_t end = std::min(
      align_up(slot.offset + slot.size, target_->server().min_request), target_->server().size);
  ++slot.requests;
  target_->post_zero(slot.offset, end - slot.offset, tag(slot));
}

void Loop::write_data(Slot& slot) {
  const NbdExport& server = target_->server();
  const std::uint64_t size =
      std::min(align_up(slot.offset + slot.size, server.min_request), server.size) - slot.offset;
  // Behind the source's end a larger target is zero.
  std::memset(slot.buffer.data() + slot.size, 0, size - slot.size);
  if (!slot.zero) pass_.counters.written += slot.size;
  pace(pass_.in().tuning->target_rate.get(), size);
  for (std::uint64_t at = 0; at < size; at += server.max_request) {
    ++slot.requests;
    target_->post_write(slot.offset + at,
                        slot.buffer.subspan(at, std::min(size - at, server.max_request)),
                        tag(slot));
  }
}

void Loop::has_written(Slot& slot) {
  if (slot.failed) {
    std::erase(to_hash_, &slot);
    release(slot);  // its epoch never ends: neither it nor a later one is recorded
  } else if (slot.hashed) {
    finish(slot, slot.epoch);
  }
}

// `written`: the write epoch since which the target holds it.
void Loop::finish(Slot& slot, std::uint32_t written) {
  pass_.in().epochs->done(slot.epoch, {slot.item.first, slot.item.count, pass_.in().view, written,
                                       slot.zero ? RecordKind::zero : RecordKind::data,
                                       slot.zero ? Digest{} : slot.digest});
  release(slot);
}

void Loop::release(Slot& slot) {
  if (pass_.in().progress != nullptr && !slot.failed && !slot.item.zero) {
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < slot.item.piece_count; ++i) {
      bytes += slot.item.pieces[i].end - slot.item.pieces[i].begin;
    }
    pass_.in().progress->advance(bytes);
  }
  slot.state = State::idle;
  --busy_;
}

// Hashes when at least so many blocks are waiting.
void Loop::hash(std::size_t least) {
  while (to_hash_.size() >= least && !to_hash_.empty()) {
    const std::size_t count = std::min(to_hash_.size(), lanes);
    std::array<std::span<const std::byte>, lanes> buffers;
    std::array<Digest, lanes> digests;
    std::array<Slot*, lanes> slots{};
    for (std::size_t i = 0; i < count; ++i) {
      slots[i] = to_hash_[i];
      buffers[i] = slots[i]->buffer.first(slots[i]->size);
    }
    to_hash_.erase(to_hash_.begin(), to_hash_.begin() + static_cast<std::ptrdiff_t>(count));
    sha256_each(std::span(buffers).first(count), std::span(digests).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      Slot& slot = *slots[i];
      slot.digest = digests[i];
      slot.hashed = true;
      if (slot.state == State::hashing) {
        decide(slot);
      } else if (slot.requests == 0) {
        finish(slot, slot.epoch);
      }
    }
  }
}

// What the manifest knows of a block must end, durably, before the block is overwritten.
void Loop::void_first() {
  if (!voiding_.empty() && voided_->take()) {
    for (Slot* slot : std::exchange(voiding_, {})) write(*slot);
  }
  if (to_void_.empty() || !voiding_.empty()) return;
  voiding_.swap(to_void_);
  std::vector<Record> records;
  for (const Slot* slot : voiding_) {
    records.push_back(
        {slot->item.first, slot->item.count, pass_.in().view, 0, RecordKind::nothing, {}});
  }
  pass_.in().recorder->add(std::move(records), [signal = voided_] { signal->set(); });
}

void Loop::flush() {
  if (target_ == nullptr || flushing_ || pass_.target_lost()) return;
  if (!pass_.in().epochs->must_flush(Clock::now(), false)) return;
  flushing_ = true;
  target_->post_flush(flush_tag);
}

void Loop::collect() {
  collect(source_, false);
  if (target_ != nullptr) collect(*target_, true);
}

void Loop::collect(NbdConnection& connection, bool from_target) {
  for (const NbdConnection::Done& done : std::exchange(connection.done(), {})) {
    if (done.tag == flush_tag) {
      flushing_ = false;
      pass_.in().epochs->flushed(done.error == 0);
      if (done.error != 0) pass_.fail(connection.error(done.error, "flush"), true);
      continue;
    }
    Slot& slot = slots_[done.tag];
    if (done.error != 0) {
      slot.failed = true;
      pass_.fail(connection.error(done.error, from_target ? "write" : "read"),
                 from_target && connection.dead());
    }
    if (--slot.requests > 0) continue;
    if (from_target) {
      has_written(slot);
    } else {
      has_read(slot);
    }
  }
}

void Loop::wait() {
  std::array<pollfd, 3> fds{pollfd{source_.fd(), source_.events(), 0},
                            pollfd{voided_->fd(), POLLIN, 0}, pollfd{-1, 0, 0}};
  if (target_ != nullptr) fds[2] = {target_->fd(), target_->events(), 0};
  if (voiding_.empty()) fds[1].fd = -1;
  int timeout = held_ ? held_poll_ms : to_hash_.empty() ? poll_ms : lanes_poll_ms;
  if (const auto now = Clock::now(); not_before_ > now) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(not_before_ - now).count();
    timeout = static_cast<int>(std::min<long long>(timeout, left));
  }
  const int came = poll(fds.data(), fds.size(), timeout);
  if (came == 0) hash(1);
  if (came <= 0) return;
  if (fds[0].revents != 0) source_.notify(fds[0].revents);
  if (target_ != nullptr && fds[2].revents != 0) target_->notify(fds[2].revents);
}

// Delays the next read: what is out goes on.
void Loop::pace(RateLimit* limit, std::uint64_t bytes) {
  if (limit == nullptr) return;
  const auto now = Clock::now();
  not_before_ = std::max(not_before_, now + limit->take(bytes, now));
}

std::uint64_t Loop::tag(const Slot& slot) const {
  return static_cast<std::uint64_t>(&slot - slots_.data());
}

}  // namespace flyt::movers
