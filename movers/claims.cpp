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
// it is about, in about a second of a distant server's time.
constexpr std::size_t places = 62, blocks_looked_at = 64;
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

// `count` numbers below `end`, ascending.
std::vector<std::uint64_t> some_below(std::uint64_t end, std::size_t count) {
  std::mt19937_64 random{std::random_device{}()};
  std::uniform_int_distribution<std::uint64_t> any(0, end - 1);
  std::vector<std::uint64_t> numbers(count);
  for (std::uint64_t& number : numbers) number = any(random);
  std::sort(numbers.begin(), numbers.end());
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
  for (const std::uint64_t block : some_below(block_count(length), blocks_looked_at)) {
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
