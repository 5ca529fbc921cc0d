#include "movers/claims.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/units.hpp"
#include "movers/block.hpp"
#include "movers/trust.hpp"

namespace flyt::movers {

namespace {

// Enough to find, all but surely (1 - 0.95^62 = 0.96), a claim that is wrong in a twentieth of what
// it is about, in about a second of a distant server's time; less of small disks, of which as much
// would be nearly all.
constexpr std::uint64_t most_places = 62, least_places = 8, bytes_for_a_place = 2 * mib;
constexpr std::uint64_t most_blocks = 64, least_blocks = 2, blocks_for_a_block = 32;
constexpr std::uint64_t piece_bytes = 64 * kib;

std::vector<Range> gaps(const ExtentList& data, std::uint64_t length) {
  std::vector<Range> gaps;
  std::uint64_t at = 0;
  for (const Range& range : data.ranges()) {
    if (range.begin > at) gaps.push_back({at, range.begin});
    at = range.end;
  }
  if (at < length) gaps.push_back({at, length});
  return gaps;
}

// One number at random out of each of `count` equal parts of what is below `end`: ascending.
std::vector<std::uint64_t> some_below(std::uint64_t end, std::uint64_t count) {
  count = std::min(count, end);
  std::mt19937_64 random{std::random_device{}()};
  std::vector<std::uint64_t> numbers(count);
  std::uint64_t begin = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t stop = end / count * (i + 1) + end % count * (i + 1) / count;
    numbers[i] = std::uniform_int_distribution<std::uint64_t>(begin, stop - 1)(random);
    begin = stop;
  }
  return numbers;
}

// Where to look: tables of partitions are at the ends, and what guests write is anywhere.
std::vector<Range> pieces_of(const std::vector<Range>& gaps) {
  std::vector<Range> pieces;
  const auto add = [&pieces](const Range& gap, std::uint64_t begin) {
    pieces.push_back({begin, std::min(begin + piece_bytes, gap.end)});
  };
  std::uint64_t empty = 0;
  for (const Range& gap : gaps) empty += gap.end - gap.begin;
  add(gaps.front(), gaps.front().begin);
  auto gap = gaps.begin();
  std::uint64_t before = 0;  // empty bytes before this gap
  const std::uint64_t places = std::clamp(empty / bytes_for_a_place, least_places, most_places);
  for (const std::uint64_t at : some_below(empty, places)) {
    for (; at >= before + (gap->end - gap->begin); ++gap) before += gap->end - gap->begin;
    add(*gap, gap->begin + (at - before) / piece_bytes * piece_bytes);
  }
  const Range& last = gaps.back();
  add(last, std::max(last.begin, last.end - std::min(last.end, piece_bytes)));
  return pieces;
}

// Is owed to the source's rate, and so delays what is read later.
Status look(const CopyRequest& request, NbdConnection& source, std::uint64_t offset,
            std::span<std::byte> data, const Call& call) {
  if (RateLimit* rate = request.tuning.source_rate.get()) {
    (void)rate->take(data.size(), std::chrono::steady_clock::now());
  }
  return source.read(offset, data, call);
}

}  // namespace

Result<ExtentList> data_of(const CopyRequest& request, NbdConnection& source, CopyReport& report,
                           const Call& call) {
  const std::uint64_t length = request.source->info().size_bytes;
  if (request.distrust) return ExtentList::all(length);
  FLYT_ASSIGN(ExtentList data, map_disk(source, length, call));
  const std::vector<Range> empty = gaps(data, length);
  if (empty.empty()) return data;
  std::vector<std::byte> buffer(piece_bytes);
  for (const Range& piece : pieces_of(empty)) {
    const auto bytes = std::span(buffer).first(piece.end - piece.begin);
    FLYT_TRY(look(request, source, piece.begin, bytes, call));
    if (is_zero(bytes)) continue;
    report.wrong_map = true;
    if (request.progress != nullptr) {
      request.progress->note("what the source calls empty is not: reading all");
    }
    return ExtentList::all(length);
  }
  return data;
}

Status forget_zeroes(Manifest& manifest) {
  std::vector<Record> voids;
  Manifest::Cursor known(manifest);
  const std::uint64_t blocks = block_count(manifest.header().length);
  for (std::uint64_t block = 0; block < blocks;) {
    const Segment segment = known.at(block);
    if (segment.source && segment.source->kind == RecordKind::zero) {
      voids.push_back({block, segment.end - block, 0, 0, RecordKind::nothing, {}});
    }
    block = segment.end;
  }
  if (voids.empty()) return ok();
  FLYT_TRY(manifest.append(voids));
  FLYT_TRY(manifest.sync());
  return manifest.seal({});
}

Result<bool> rest_is_same(const CopyRequest& request, NbdConnection& source,
                          const Manifest& manifest, const ExtentList& changed, const Call& call) {
  const std::uint64_t length = manifest.header().length;
  if (length == 0) return true;
  Manifest::Cursor known(manifest);
  ExtentCursor touched(changed);
  std::vector<std::byte> buffer(block_bytes);
  const std::uint64_t blocks = block_count(length);
  const std::uint64_t some = std::clamp(blocks / blocks_for_a_block, least_blocks, most_blocks);
  for (const std::uint64_t block : some_below(blocks, some)) {
    const std::uint64_t begin = block * block_bytes, size = block_size(block, length);
    const Segment segment = known.at(block);
    if (!segment.source || segment.source->kind == RecordKind::nothing) continue;
    if (touched.from(begin).begin < begin + size) continue;
    const auto data = std::span(buffer).first(size);
    FLYT_TRY(look(request, source, begin, data, call));
    const bool zero = segment.source->kind == RecordKind::zero;
    if (zero ? !is_zero(data) : sha256(data) != segment.source->digest) return false;
  }
  return true;
}

}  // namespace flyt::movers
