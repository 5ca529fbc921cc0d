#include "movers/trust.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "movers/block.hpp"

namespace flyt::movers {

namespace {

// Collects what is not as the manifest says.
class Differences : public Sink {
 public:
  void seen(const Item& item, const Digest& digest) override {
    if (item.known == digest) return;
    if (!found.empty() && found.back().end() == item.first) {
      found.back().count += item.count;
    } else {
      found.push_back({item.first, item.count, 0, 0, RecordKind::nothing, {}});
    }
  }
  std::vector<Record> found;
};

// Chooses what of the target is read: of what it holds for longer, one block in each hundred.
class Chooser {
 public:
  explicit Chooser(const ExtentList& data) : data_(data) {}

  void all(std::uint64_t first, std::uint64_t end) {
    chosen_.add({first * block_bytes, end * block_bytes});
  }

  void some(std::uint64_t first, std::uint64_t end) {
    while (first < end) {
      const std::uint64_t count = std::min(end - first, one_in - at_);
      if (pick_ >= at_ && pick_ < at_ + count) all(first + pick_ - at_, first + pick_ - at_ + 1);
      first += count;
      at_ += count;
      if (at_ == one_in) next_hundred();
    }
  }

  // Zeroes: what the target's map calls zero costs nothing to look at. Where it says data, which
  // should not be, at least one block is read.
  void zeroes(std::uint64_t first, std::uint64_t end) {
    while (first < end) {
      const Range data = data_.from(first * block_bytes);
      const std::uint64_t begin = std::min(end, data.begin / block_bytes);
      if (begin > first) {
        all(first, begin);
        first = begin;
        continue;
      }
      const std::uint64_t stop = std::min(end, block_count(data.end));
      all(first, first + 1);
      some(first + 1, stop);
      first = stop;
    }
  }

  const ExtentList& chosen() const { return chosen_; }

 private:
  static constexpr std::uint64_t one_in = 100;

  void next_hundred() {
    at_ = 0;
    pick_ = random_() % one_in;
  }

  ExtentCursor data_;
  ExtentList chosen_;
  std::mt19937_64 random_{std::random_device{}()};
  std::uint64_t at_ = 0, pick_ = random_() % one_in;  // within the hundred
};

ExtentList choose(const Manifest& manifest, const ExtentList& data) {
  Chooser chooser(data);
  Manifest::Cursor cursor(manifest);
  const std::uint64_t blocks = block_count(manifest.header().length);
  for (std::uint64_t block = 0; block < blocks;) {
    const Segment segment = cursor.at(block);
    if (const Record* target = segment.on_target()) {
      if (target->epoch + 1 >= manifest.last_epoch()) {
        chooser.all(segment.first, segment.end);
      } else if (target->kind == RecordKind::zero) {
        chooser.zeroes(segment.first, segment.end);
      } else {
        chooser.some(segment.first, segment.end);
      }
    }
    block = segment.end;
  }
  return chooser.chosen();
}

// The target's disk, what of it does not surely read as zero, and how to read it.
struct Target {
  const Channel& channel;
  Connections& connections;
  const ExtentList& data;
  const CopyTuning& tuning;
};

Result<std::uint64_t> compare(const Manifest& manifest, const ExtentList& chosen,
                              const Target& target, Sink& sink, const Call& call) {
  const std::uint64_t length = manifest.header().length;
  Work work({Pass::check, length, 0, &target.data, &chosen, &manifest});
  PassState pass({&work, length, 0, false, nullptr, nullptr, &sink, &target.tuning, nullptr}, call);
  FLYT_TRY(run_loops(pass, target.channel, target.connections, nullptr, nullptr));
  if (auto error = pass.error()) return *std::move(error);
  return pass.counters.read.load();
}

}  // namespace

Result<ExtentList> map_disk(NbdConnection& disk, std::uint64_t length, const Call& call) {
  ExtentList data;
  if (length > 0) FLYT_TRY(disk.map({0, length}, data, call));
  return data;
}

Result<TrustReport> check_trust(Manifest& manifest, const Channel& target, Connections& connections,
                                const CopyTuning& tuning, const Call& call) {
  TrustReport report;
  FLYT_ASSIGN(const ExtentList data,
              map_disk(*connections.front(), manifest.header().length, call));
  const Target all_of_it{target, connections, data, tuning};
  if (!manifest.header().doubtful) {
    Differences some;
    FLYT_ASSIGN(report.checked_bytes,
                compare(manifest, choose(manifest, data), all_of_it, some, call));
    if (some.found.empty()) return report;
  }
  report.distrusted = true;
  const ExtentList everything = ExtentList::all(manifest.header().length);
  Differences all;
  FLYT_ASSIGN(const std::uint64_t read, compare(manifest, everything, all_of_it, all, call));
  report.checked_bytes += read;
  FLYT_TRY(manifest.append(all.found));
  FLYT_TRY(manifest.sync());
  FLYT_TRY(manifest.settle());
  return report;
}

}  // namespace flyt::movers
