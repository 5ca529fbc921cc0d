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

// One block in a hundred, and at most so many of a run of zeroes.
constexpr std::uint64_t one_in = 100, max_of_run = 16;

void sample(const Segment& segment, std::mt19937_64& random, ExtentList& chosen) {
  const std::uint64_t count = segment.end - segment.first;
  const auto pick = [&](std::uint64_t block) {
    chosen.add({block * block_bytes, (block + 1) * block_bytes});
  };
  if (count == 1) {
    if (random() % one_in == 0) pick(segment.first);
    return;
  }
  const std::uint64_t parts = std::clamp<std::uint64_t>(count / one_in, 1, max_of_run);
  for (std::uint64_t part = 0; part < parts; ++part) {
    const std::uint64_t begin = count * part / parts, end = count * (part + 1) / parts;
    pick(segment.first + begin + random() % (end - begin));
  }
}

ExtentList choose(const Manifest& manifest) {
  ExtentList chosen;
  std::mt19937_64 random(std::random_device{}());
  Manifest::Cursor cursor(manifest);
  const std::uint64_t blocks = block_count(manifest.header().length);
  for (std::uint64_t block = 0; block < blocks;) {
    const Segment segment = cursor.at(block);
    if (const Record* target = segment.on_target()) {
      if (target->epoch + 1 >= manifest.last_epoch()) {
        chosen.add({segment.first * block_bytes, segment.end * block_bytes});
      } else {
        sample(segment, random, chosen);
      }
    }
    block = segment.end;
  }
  return chosen;
}

Result<std::uint64_t> compare(const Manifest& manifest, const ExtentList& chosen,
                              const Channel& target, Connections& connections,
                              const CopyTuning& tuning, Sink& sink, const Call& call) {
  const std::uint64_t length = manifest.header().length;
  FLYT_ASSIGN(const ExtentList data, map_disk(*connections.front(), length, call));
  Work work({Pass::check, length, 0, &data, &chosen, &manifest});
  PassState pass({&work, length, 0, false, nullptr, nullptr, &sink, &tuning, nullptr}, call);
  FLYT_TRY(run_loops(pass, target, connections, nullptr, nullptr));
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
  Differences some;
  FLYT_ASSIGN(report.checked_bytes,
              compare(manifest, choose(manifest), target, connections, tuning, some, call));
  if (some.found.empty()) return report;
  report.distrusted = true;
  ExtentList everything;
  everything.add({0, manifest.header().length});
  Differences all;
  FLYT_ASSIGN(const std::uint64_t read,
              compare(manifest, everything, target, connections, tuning, all, call));
  report.checked_bytes += read;
  FLYT_TRY(manifest.append(all.found));
  FLYT_TRY(manifest.sync());
  FLYT_TRY(manifest.seal({}));
  return report;
}

}  // namespace flyt::movers
