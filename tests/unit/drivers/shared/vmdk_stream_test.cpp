#include "drivers/shared/vmdk_stream.hpp"

#include <vector>

#include "drivers/shared/byte_source.hpp"
#include "tests/catch.hpp"
#include "tests/unit/drivers/shared/vmdk_maker.hpp"

using namespace flyt;
using flyt::tests::put32;
using flyt::tests::put64;
using flyt::tests::sample_disk;
using flyt::tests::VmdkMaker;
using Style = VmdkMaker::Style;

namespace {

// Gives at most `step` bytes at once, as a network does.
class Slow final : public ByteStream {
 public:
  Slow(std::string bytes, std::size_t step) : bytes_(std::move(bytes)), step_(step) {}
  Result<std::size_t> read(std::span<std::byte> out, const Call& call) override {
    FLYT_TRY(proceed(call, "slow"));
    const std::size_t length = std::min({out.size(), step_, bytes_.size() - at_});
    std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + at_, length, out.begin());
    at_ += length;
    return length;
  }

 private:
  std::string bytes_;
  std::size_t step_, at_ = 0;
};

Result<std::string> decoded(const std::string& image, std::size_t step = 100'000) {
  FLYT_ASSIGN(VmdkStream stream,
              VmdkStream::open(std::make_unique<Slow>(image, step), {"a.vmdk", {}}, {}));
  std::string disk;
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    FLYT_ASSIGN(const auto extent, stream.next(buffer, {}));
    if (!extent) break;
    if (extent->offset != disk.size() || extent->length == 0) {
      return Error{Errc::internal, "extents do not follow each other"};
    }
    if (extent->zero) {
      disk.append(extent->length, '\0');
    } else {
      disk.append(reinterpret_cast<const char*>(buffer.data()), extent->length);
    }
  }
  if (disk.size() != stream.header().capacity) return Error{Errc::internal, "short disk"};
  return disk;
}

std::string disk() { return sample_disk(10 * 65536 + 512, 2 * 65536, 5 * 65536); }

std::string image(Style style) {
  VmdkMaker maker;
  maker.style = style;
  return maker.make(disk());
}

}  // namespace

TEST_CASE("A VMDK stream gives back the disk", "[vmdk]") {
  VmdkMaker maker;
  maker.style = GENERATE(Style::vmware, Style::qemu);
  const std::size_t step = GENERATE(1, 511, 100'000);
  std::string bytes;
  SECTION("holes in the middle") { bytes = disk(); }
  SECTION("one sector") { bytes = sample_disk(512); }
  SECTION("only zeroes") { bytes = std::string(70 * 65536, '\0'); }
  SECTION("zeroes at the end") { bytes = sample_disk(300'032, 100'000, 300'032); }
  SECTION("zeroes at the beginning") { bytes = sample_disk(300'032, 0, 200'000); }
  SECTION("small grains, several tables") {
    maker.grain_bytes = 4096;
    bytes = sample_disk(3 << 20, 1 << 20, (2 << 20) + 4096);
  }
  SECTION("the largest grains") {
    maker.grain_bytes = 1 << 20;
    bytes = sample_disk((2 << 20) + 1024);
  }
  const auto back = decoded(maker.make(bytes), step);
  REQUIRE(back);
  CHECK(*back == bytes);
}

TEST_CASE("A VMDK stream that breaks off is noticed", "[vmdk]") {
  const Style style = GENERATE(Style::vmware, Style::qemu);
  const std::string bytes = image(style);
  // QEMU writes no end marker: where only zeroes are missing, nothing is.
  const std::size_t needed = bytes.size() - (style == Style::qemu ? 1024 : 512);
  for (std::size_t length = 0; length < needed; length += 4099) {
    INFO("cut after " << length);
    const auto back = decoded(bytes.substr(0, length));
    REQUIRE_FALSE(back);
    CHECK(back.error().code == Errc::corrupt);
  }
  for (const std::size_t length : {needed - 512, needed - 1}) {
    CHECK_FALSE(decoded(bytes.substr(0, length)));
  }
}

TEST_CASE("A VMDK stream that lies is refused", "[vmdk]") {
  std::string bytes = image(Style::vmware);
  const std::size_t grain = 128 * 512;
  SECTION("grains out of order") { put64(bytes, grain, 10 * 128); }
  SECTION("a grain between grains") { put64(bytes, grain, 7); }
  SECTION("a grain behind the end") { put64(bytes, grain, 11 * 128); }
  SECTION("a grain that is too long") { put32(bytes, grain + 8, 1 << 30); }
  SECTION("a grain that does not unpack") { bytes[grain + 100] ^= 0x55; }
  SECTION("an unknown marker") { put32(bytes, bytes.size() - 1536 + 12, 77); }
  SECTION("a footer that contradicts") { put64(bytes, bytes.size() - 1024 + 12, 128); }
  SECTION("data behind the end") { bytes += std::string(512, 'x'); }
  SECTION("a metadata marker that skips data") { put64(bytes, bytes.size() - 1536, 2); }
  const auto back = decoded(bytes);
  REQUIRE_FALSE(back);
  CHECK(back.error().code == Errc::corrupt);
  CHECK_THAT(back.error().what, Catch::Matchers::StartsWith("a.vmdk: "));
}

TEST_CASE("Grains that tables in front promise must come", "[vmdk]") {
  VmdkMaker maker;
  maker.style = Style::qemu;
  maker.skip_last_grain = true;
  const auto back = decoded(maker.make(disk()));
  REQUIRE_FALSE(back);
  CHECK_THAT(back.error().what, Catch::Matchers::Contains("promise 8 grains, and 7"));
}

TEST_CASE("A VMDK stream knows what it cannot be", "[vmdk]") {
  const auto sparse = decoded(image(Style::sparse));
  REQUIRE_FALSE(sparse);
  CHECK(sparse.error().code == Errc::unsupported);
  const auto other_size =
      VmdkStream::open(std::make_unique<Slow>(image(Style::vmware), 512), {"a.vmdk", 1024}, {});
  REQUIRE_FALSE(other_size);
  CHECK(other_size.error().code == Errc::corrupt);
}

TEST_CASE("A VMDK stream repeats its error", "[vmdk]") {
  std::string bytes = image(Style::vmware);
  bytes[128 * 512 + 100] ^= 0x55;
  auto stream = VmdkStream::open(std::make_unique<Slow>(bytes, 512), {"a.vmdk", {}}, {});
  REQUIRE(stream);
  std::vector<std::byte> buffer(1 << 20);
  CHECK_FALSE(stream->next(buffer, {}));
  CHECK_FALSE(stream->next(buffer, {}));
}

TEST_CASE("A gzip stream is unpacked, and its faults are seen", "[vmdk]") {
  const std::string text = sample_disk(300'000, 1000, 200'000);
  const auto unpacked = [](const std::string& packed, std::size_t step) -> Result<std::string> {
    const auto stream = gunzip(std::make_unique<Slow>(packed, step), "a.gz");
    std::string out(1 << 20, '\0');
    FLYT_ASSIGN(const std::size_t got,
                read_fully(*stream, std::as_writable_bytes(std::span(out)), {}));
    out.resize(got);
    return out;
  };
  const std::string packed = tests::gzip(text);
  const std::size_t step = GENERATE(1000, 1 << 20);
  CHECK(unpacked(packed, step).value_or("") == text);
  CHECK(unpacked(packed + packed, step).value_or("") == text + text);
  CHECK(unpacked(tests::gzip(""), step).value_or("x").empty());
  std::string wrong = packed;
  wrong[wrong.size() - 6] ^= 1;  // of the checksum
  for (const std::string& bad :
       {packed.substr(0, packed.size() - 1), packed.substr(0, 5000), std::string(), wrong,
        packed + "trailing", std::string("no gzip at all")}) {
    const auto got = unpacked(bad, step);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Errc::corrupt);
  }
}
