#include <algorithm>
#include <cstring>
#include <functional>

#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;

// Gives what it is told to, and takes what it is given.
class MemoryStream : public Channel {
 public:
  explicit MemoryStream(std::uint64_t size) : bytes(size, '\0') { info_.size_bytes = size; }

  const ChannelInfo& info() const override { return info_; }
  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call&) override {
    if (at == extents.size()) return std::optional<Extent>{};
    if (at == breaks_at) return Error{Errc::unavailable, "the stream broke"};
    const Extent extent = extents[at++];
    if (!extent.zero && extent.offset + extent.length <= bytes.size())
      std::memcpy(buffer.data(), bytes.data() + extent.offset, extent.length);
    return std::optional(extent);
  }
  Status put(Extent extent, std::span<const std::byte> data, const Call&) override {
    CHECK(extent.offset == put_to);
    put_to = extent.offset + extent.length;
    if (put_to > full_at) return Error{Errc::unavailable, "the upload broke"};
    if (!extent.zero) std::memcpy(bytes.data() + extent.offset, data.data(), data.size());
    return ok();
  }
  Status flush(const Call&) override {
    ++flushes;
    return ok();
  }
  Status close(const Call&) override { return ok(); }

  ChannelInfo info_;
  std::string bytes;
  std::vector<Extent> extents;
  std::size_t at = 0, breaks_at = ~std::size_t{0};
  std::uint64_t put_to = 0, full_at = ~std::uint64_t{0};
  int flushes = 0;
};

// 40 MiB and a bit: data in uneven pieces, gaps and zero extents.
struct SourceStream : MemoryStream {
  SourceStream() : MemoryStream(40 * mib + 12345) {
    data(100, 5 * mib);
    extents.push_back({6 * mib, 3 * mib, true});
    data(12 * mib + 1, 700000);
    data(20 * mib, mib);
    extents.push_back({30 * mib, 5 * mib, true});
    data(40 * mib + 12000, 345);
  }
  void data(std::uint64_t offset, std::uint64_t length) {
    const std::string some = noise(length, offset);
    std::copy(some.begin(), some.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    for (std::uint64_t done = 0; done < length; done += 65536 * 3) {
      extents.push_back({offset + done, std::min<std::uint64_t>(length - done, 65536 * 3), false});
    }
  }
};

struct StreamPair {
  StreamPair() : target(folder / "target"), manifest(folder / "manifest") {
    make_file(target, source.bytes.size());
  }
  Result<CopyReport> copy(ViewNumber view = 1) {
    source.at = 0;
    FileDisk to(target);
    CopyRequest request;
    request.source = &source;
    request.target = &to.channel;
    request.manifest = manifest;
    request.view = view;
    return make_mover()->copy(request, {});
  }
  void check_equal(const Result<CopyReport>& report) {
    INFO((report ? std::string() : report.error().what + ": " + report.error().seen));
    REQUIRE(report);
    CHECK(content(target) == source.bytes);
    CHECK(report->root == root_of(source.bytes));
  }

  TempDir folder;
  SourceStream source;
  std::filesystem::path target, manifest;
};

}  // namespace

TEST_CASE("A stream arrives whole on a dirty disk", "[tsan]") {
  StreamPair pair;
  put(pair.target, 0, noise(pair.source.bytes.size(), 5));
  pair.check_equal(pair.copy());
  pair.source.at = 0;
  CHECK(*make_mover()->digest({&pair.source}, {}) == root_of(pair.source.bytes));
}

TEST_CASE("A stream that broke begins again and sends what is missing") {
  StreamPair pair;
  pair.source.breaks_at = 30;
  const auto broken = pair.copy();
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Errc::unavailable);
  CHECK_FALSE(broken.error().state.empty());
  pair.source.breaks_at = ~std::size_t{0};
  const auto report = pair.copy();
  pair.check_equal(report);
  CHECK(report->kept_bytes >= 3 * mib);
  CHECK(report->written_bytes <= 6 * mib);
}

TEST_CASE("A second view of a stream sends the blocks that differ") {
  StreamPair pair;
  pair.check_equal(pair.copy());
  pair.source.bytes[20 * mib + 5] ^= 1;
  pair.source.extents.push_back({pair.source.bytes.size(), 0, true});
  const auto report = pair.copy(2);
  pair.check_equal(report);
  CHECK(report->written_bytes == mib);
  CHECK(report->zeroed_bytes == 0);
}

TEST_CASE("A stream out of order or over the end is refused") {
  StreamPair pair;
  const Extent wrong = GENERATE(Extent{mib, 10, false}, Extent{100 * mib, 10, false},
                                Extent{40 * mib, mib, true}, Extent{25 * mib, ~0ULL, true});
  pair.source.extents.insert(pair.source.extents.end() - 1, wrong);
  const auto report = pair.copy();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::corrupt);
}

TEST_CASE("A disk is put into a stream in order, zeroes and tail included") {
  Pair pair(10 * mib + 500);
  pair.size = 10 * mib + 500;
  put(pair.source, mib, noise(2 * mib, 1));
  put(pair.source, 10 * mib, noise(500, 2));
  FileDisk from(pair.source);
  MemoryStream to(12 * mib);
  CopyRequest request;
  request.source = &from.channel;
  request.target = &to;
  request.manifest = pair.manifest;
  SECTION("whole") {}
  SECTION("again from its start after it broke") {
    to.full_at = 3 * mib;
    CHECK(make_mover()->copy(request, {}).error().code == Errc::unavailable);
    to.put_to = 0;
    to.full_at = ~std::uint64_t{0};
    to.bytes.assign(to.bytes.size(), '\0');
  }
  const auto report = make_mover()->copy(request, {});
  REQUIRE(report);
  CHECK(to.put_to == 12 * mib);
  CHECK(to.flushes > 0);
  CHECK(to.bytes.substr(0, pair.size) == content(pair.source));
  CHECK(to.bytes.find_first_not_of('\0', pair.size) == std::string::npos);
  CHECK(report->root == root_of(content(pair.source)));
  CHECK(report->written_bytes == 2 * mib + 500);
}

TEST_CASE("A stream goes into a stream") {
  SourceStream from;
  MemoryStream to(from.bytes.size());
  TempDir folder;
  CopyRequest request;
  request.source = &from;
  request.target = &to;
  request.manifest = folder / "manifest";
  const auto report = make_mover()->copy(request, {});
  REQUIRE(report);
  CHECK(to.bytes == from.bytes);
  CHECK(report->root == root_of(from.bytes));
}
