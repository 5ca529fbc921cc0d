#include "movers/manifest_seal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

#include "base/durable_file.hpp"
#include "movers/block.hpp"
#include "movers/mapped_file.hpp"

namespace flyt::movers {

namespace {

struct Place {
  std::uint64_t first, index;
  bool operator<(const Place& other) const {
    return first != other.first ? first < other.first : index < other.index;
  }
};

struct Numbered {
  Record record;
  std::uint64_t index;  // a later one wins
};

constexpr std::size_t loads = 16384;  // of unsorted records, before they are dropped

// All records by first block, then by age. What is not in order yet is sorted outside of memory.
class InOrder {
 public:
  static Result<InOrder> make(const SealRequest& request) {
    InOrder order;
    order.records_ = request.records;
    order.sorted_ = request.sorted;
    const std::size_t count = request.records.size() / record_bytes - request.sorted;
    FLYT_ASSIGN(order.scratch_,
                MappedFile::scratch(request.path.parent_path(), count * sizeof(Place)));
    // The pages are ours, zero and aligned; Place is trivial.
    order.tail_ = {reinterpret_cast<Place*>(order.scratch_.writable().data()), count};
    Trail trail(request.records);
    for (std::size_t i = 0; i < count; ++i) {
      order.tail_[i] = {order.load(request.sorted + i).first, request.sorted + i};
      trail.reached((request.sorted + i) * record_bytes);
    }
    drop(request.records);
    order.trail_ = Trail(request.records.first(request.sorted * record_bytes));
    std::sort(order.tail_.begin(), order.tail_.end());
    return order;
  }

  bool next(Numbered& out) {
    const bool from_tail = tail_at_ < tail_.size();
    if (at_ < sorted_) {
      const Record record = load(at_);
      if (!from_tail || record.first <= tail_[tail_at_].first) {
        out = {record, at_++};
        trail_.reached(at_ * record_bytes);
        return true;
      }
    }
    if (!from_tail) return false;
    out = {load(tail_[tail_at_].index), tail_[tail_at_].index};
    // In any order, but mostly near to each other.
    if (++tail_at_ % loads == 0) drop(records_.subspan(sorted_ * record_bytes));
    return true;
  }

 private:
  Record load(std::size_t index) const {
    Record record;
    (void)parse_record(records_.subspan(index * record_bytes).first<record_bytes>(),
                       record);  // checked when it was opened
    return record;
  }

  std::span<const std::byte> records_;
  std::size_t sorted_ = 0, at_ = 0;
  MappedFile scratch_;
  std::span<Place> tail_;
  std::size_t tail_at_ = 0;
  Trail trail_{{}};  // of what is sorted
};

// Writes records, runs joined, and replaces the manifest at the end.
class Writer {
 public:
  // `complete`: the age of zero runs no longer matters, and they are joined.
  Writer(const std::filesystem::path& path, bool complete)
      : path_(path), beside_(path), complete_(complete) {
    beside_ += ".new";
  }

  Status start(const ManifestHeader& header) {
    file_ = FileDescriptor(open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file_) return system_error("cannot make " + beside_.string(), errno);
    return put(encode(header));
  }

  Status add(const Record& record) {
    if (pending_ && joins(*pending_, record)) {
      pending_->count += record.count;
      pending_->epoch = std::min(pending_->epoch, record.epoch);
      return ok();
    }
    FLYT_TRY(end_run());
    pending_ = record;
    return ok();
  }

  Status end_run() {
    if (pending_) FLYT_TRY(put(encode(*std::exchange(pending_, std::nullopt))));
    return ok();
  }

  Status finish() {
    FLYT_TRY(end_run());
    FLYT_TRY(drain());
    if (fsync(file_.get()) != 0) return system_error("cannot sync " + beside_.string(), errno);
    if (rename(beside_.c_str(), path_.c_str()) != 0) {
      return system_error("cannot replace " + path_.string(), errno);
    }
    const auto folder = path_.has_parent_path() ? path_.parent_path() : ".";
    const FileDescriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || fsync(opened.get()) != 0) {
      return system_error("cannot sync the folder " + folder.string(), errno);
    }
    return ok();
  }

 private:
  bool joins(const Record& last, const Record& next) const {
    return last.kind == next.kind && next.kind != RecordKind::data && last.view == next.view &&
           last.end() == next.first && !next.conversion() &&
           (complete_ || last.epoch == next.epoch);
  }

  Status put(const RecordBytes& bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return buffer_.size() < (std::size_t{1} << 18) ? ok() : drain();
  }

  Status drain() {
    for (std::span<const std::byte> left = buffer_; !left.empty();) {
      const ssize_t written = write(file_.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_error("cannot write " + beside_.string(), errno);
      left = left.subspan(static_cast<std::size_t>(written));
    }
    buffer_.clear();
    return ok();
  }

  std::filesystem::path path_, beside_;
  bool complete_;
  FileDescriptor file_;
  std::vector<std::byte> buffer_;
  std::optional<Record> pending_;
};

// Sweeps over the blocks with the records that cover the current one.
class Sweep {
 public:
  Sweep(const SealRequest& request, Writer& writer) : request_(request), writer_(writer) {}

  Status run(InOrder& order) {
    Numbered next{};
    bool more = order.next(next);
    while (more || !covering_.empty()) {
      if (covering_.empty()) at_ = next.record.first;
      while (more && next.record.first == at_) {
        covering_.push_back(next);
        more = order.next(next);
      }
      std::uint64_t end = more ? next.record.first : std::numeric_limits<std::uint64_t>::max();
      for (const Numbered& one : covering_) end = std::min(end, one.record.end());
      FLYT_TRY(emit(end));
      at_ = end;
      std::erase_if(covering_, [&](const Numbered& one) { return one.record.end() <= at_; });
    }
    if (request_.complete && complete_to_ != block_count(request_.header.length)) {
      return incomplete(complete_to_);
    }
    return ok();
  }

 private:
  Status emit(std::uint64_t end) {
    const Numbered *source = nullptr, *conversion = nullptr;
    for (const Numbered& one : covering_) {
      const Numbered*& best = one.record.conversion() ? conversion : source;
      if (best == nullptr || one.index > best->index) best = &one;
    }
    if (source != nullptr && conversion != nullptr && conversion->index < source->index) {
      conversion = nullptr;
    }
    if (request_.complete) {
      if (source == nullptr || conversion != nullptr || complete_to_ != at_ ||
          source->record.kind == RecordKind::nothing) {
        return incomplete(at_);
      }
      complete_to_ = end;
    }
    // Runs are not joined with blocks that have two records: the two ranges stay equal.
    if (conversion != nullptr) FLYT_TRY(writer_.end_run());
    if (source != nullptr) FLYT_TRY(add(source->record, end));
    if (conversion == nullptr) return ok();
    FLYT_TRY(writer_.end_run());
    FLYT_TRY(add(conversion->record, end));
    return writer_.end_run();
  }

  Status add(Record record, std::uint64_t end) {
    record.first = at_;
    record.count = end - at_;
    if (request_.complete) record.view = *request_.complete;
    return writer_.add(record);
  }

  static Error incomplete(std::uint64_t block) {
    return {Errc::internal,
            fmt::format("a sync was called complete without block {}", block),
            {},
            "a defect of flyt",
            "the manifest is as it was"};
  }

  const SealRequest& request_;
  Writer& writer_;
  std::vector<Numbered> covering_;
  std::uint64_t at_ = 0, complete_to_ = 0;
};

}  // namespace

Status seal_manifest(const SealRequest& request) {
  FLYT_ASSIGN(InOrder order, InOrder::make(request));
  Writer writer(request.path, request.complete.has_value());
  ManifestHeader header = request.header;
  if (request.complete) header.complete_view = *request.complete;
  FLYT_TRY(writer.start(header));
  FLYT_TRY(Sweep(request, writer).run(order));
  return writer.finish();
}

}  // namespace flyt::movers
