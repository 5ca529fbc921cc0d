#include "drivers/shared/vmdk.hpp"

#include "drivers/shared/byte_source.hpp"
#include "tests/catch.hpp"
#include "tests/unit/drivers/shared/vmdk_maker.hpp"

using namespace flyt;
using flyt::tests::get32;
using flyt::tests::put32;
using flyt::tests::put64;
using flyt::tests::sample_disk;
using flyt::tests::VmdkMaker;
using Style = VmdkMaker::Style;

namespace {

// Ten grains, of which the third to fifth are holes, and a part of one.
const std::string& disk() {
  static const std::string bytes = sample_disk(10 * 65536 + 512, 2 * 65536, 5 * 65536);
  return bytes;
}

std::string image(Style style = Style::vmware) {
  VmdkMaker maker;
  maker.style = style;
  return maker.make(disk());
}

Status judge(const std::string& bytes) {
  const auto window = memory_window("a.vmdk", bytes);
  FLYT_ASSIGN(const VmdkImage found, inspect_vmdk(*window));
  return check_vmdk_tables(*window, found, {});
}

Errc code_of(const std::string& bytes) {
  const Status status = judge(bytes);
  REQUIRE_FALSE(status);
  CHECK_THAT(status.error().what, Catch::Matchers::StartsWith("a.vmdk: "));
  return status.error().code;
}

constexpr std::size_t version_at = 4, flags_at = 8, capacity_at = 12, grain_at = 20, text_at = 28,
                      text_length_at = 36, entries_at = 44, directory_at = 56, overhead_at = 64;

}  // namespace

TEST_CASE("Sound VMDKs of all styles are accepted", "[vmdk]") {
  const Style style = GENERATE(Style::vmware, Style::qemu, Style::sparse);
  const std::string bytes = image(style);
  const auto window = memory_window("a.vmdk", bytes);
  const auto found = inspect_vmdk(*window);
  REQUIRE(found);
  CHECK(found->header.capacity == disk().size());
  CHECK(found->header.grain == 65536);
  CHECK(found->header.compressed == (style != Style::sparse));
  CHECK(found->descriptor.adapter == "lsilogic");
  CHECK(vmdk_grains(found->header) == 11);
  CHECK(vmdk_tables(found->header) == 1);
  CHECK(check_vmdk_tables(*window, *found, {}));
}

TEST_CASE("A VMDK that is cut anywhere is refused", "[vmdk]") {
  const std::string bytes = image(GENERATE(Style::vmware, Style::qemu, Style::sparse));
  for (std::size_t length = 0; length + 66000 < bytes.size(); length += 7777) {
    INFO("cut after " << length);
    CHECK_FALSE(judge(bytes.substr(0, length)));
  }
  // The last grain is one sector of the disk, which is all that a sparse image must hold of it.
  const bool is_sparse = get32(bytes, flags_at) == 1;
  CHECK_FALSE(judge(bytes.substr(0, bytes.size() - (is_sparse ? 65536 : 2048))));
}

TEST_CASE("A VMDK whose header lies is refused", "[vmdk]") {
  std::string bytes = image(Style::qemu);
  SECTION("no magic") { put32(bytes, 0, 1); }
  SECTION("an unknown version") { put32(bytes, version_at, 4); }
  SECTION("unknown flags") { put32(bytes, flags_at, 0x30009); }
  SECTION("compression without markers") { put32(bytes, flags_at, 0x10001); }
  SECTION("no compression but an algorithm") { put32(bytes, flags_at, 1); }
  SECTION("an unknown algorithm") { bytes[77] = 2; }
  SECTION("line ends that were translated") { bytes[75] = '\n'; }
  SECTION("not closed") { bytes[72] = 1; }
  SECTION("no capacity: QEMU would look for other files") { put64(bytes, capacity_at, 0); }
  SECTION("a capacity beyond all") { put64(bytes, capacity_at, std::uint64_t{1} << 62); }
  SECTION("another capacity than the descriptor's") { put64(bytes, capacity_at, 1280); }
  SECTION("grains of no power of two") { put64(bytes, grain_at, 100); }
  SECTION("tiny grains") { put64(bytes, grain_at, 1); }
  SECTION("huge grains") { put64(bytes, grain_at, std::uint64_t{1} << 40); }
  SECTION("tables of another length") { put32(bytes, entries_at, 1024); }
  SECTION("a descriptor behind the overhead") { put64(bytes, text_at, 5000); }
  SECTION("a huge descriptor") { put64(bytes, text_length_at, 1 << 20); }
  SECTION("a directory behind the end") { put64(bytes, directory_at, 1 << 20); }
  SECTION("a directory that overflows") { put64(bytes, directory_at, ~std::uint64_t{1}); }
  SECTION("a directory in the header") { put64(bytes, directory_at, 0); }
  SECTION("no overhead") { put64(bytes, overhead_at, 0); }
  SECTION("an overhead beyond the file") { put64(bytes, overhead_at, 1 << 20); }
  const Errc code = code_of(bytes);
  CHECK((code == Errc::corrupt || code == Errc::unsupported));
}

TEST_CASE("A VMDK that leads to other files is refused", "[vmdk]") {
  VmdkMaker maker;
  maker.style = GENERATE(Style::vmware, Style::qemu);
  SECTION("a parent") { maker.parent_cid = "11112222"; }
  SECTION("a parent's name") { maker.more_lines = "parentFileNameHint=\"json:{}\"\n"; }
  SECTION("an extent elsewhere") { maker.more_lines = "RW 20 FLAT \"/etc/shadow\" 0\n"; }
  SECTION("another kind") { maker.create_type = "twoGbMaxExtentSparse"; }
  CHECK(code_of(maker.make(disk())) == Errc::unsupported);
}

TEST_CASE("A parent that is hidden behind the descriptor's end is seen", "[vmdk]") {
  std::string bytes = image(Style::qemu);
  put64(bytes, text_length_at, 2);
  bytes.replace(5 * 512, 24, "\nparentFileNameHint=\"/a\"");
  CHECK(code_of(bytes) == Errc::unsupported);
}

TEST_CASE("A VMDK whose tables lie is refused", "[vmdk]") {
  std::string bytes = image(Style::qemu);
  const std::size_t directory = 21 * 512, table = 22 * 512;
  REQUIRE(get32(bytes, directory) == 22);
  SECTION("a table behind the end") { put32(bytes, directory, 1 << 30); }
  SECTION("a table in the header") {
    put32(bytes, directory, 0);
    bytes[directory] = 1;
  }
  SECTION("a grain behind the end") { put32(bytes, table, 1 << 30); }
  SECTION("a grain among the tables") { put32(bytes, table, 22); }
  SECTION("two entries for one grain") { put32(bytes, table + 4, get32(bytes, table)); }
  SECTION("grains that were swapped") {
    const auto first = get32(bytes, table);
    put32(bytes, table, get32(bytes, table + 4));
    put32(bytes, table + 4, first);
  }
  SECTION("a grain where a hole was") { put32(bytes, table + 8, get32(bytes, table + 4)); }
  SECTION("a grain behind the disk's end") { put32(bytes, table + 4 * 11, 200); }
  SECTION("a marker of another grain") { put32(bytes, get32(bytes, table) * 512, 128); }
  SECTION("a grain without data") { put32(bytes, get32(bytes, table) * 512 + 8, 0); }
  SECTION("a grain that is too long") { put32(bytes, get32(bytes, table) * 512 + 8, 1 << 30); }
  CHECK(code_of(bytes) == Errc::corrupt);
}

TEST_CASE("Plain grains must not overlap", "[vmdk]") {
  std::string bytes = image(Style::sparse);
  const std::size_t table = 22 * 512;
  SECTION("in one place") { put32(bytes, table + 4, get32(bytes, table)); }
  SECTION("by half") { put32(bytes, table + 4, get32(bytes, table) + 64); }
  SECTION("with the tables") { put32(bytes, table, 21); }
  SECTION("with the end") { put32(bytes, table, static_cast<std::uint32_t>(bytes.size() / 512)); }
  CHECK(code_of(bytes) == Errc::corrupt);
}

TEST_CASE("A file of any length costs no more than its tables can reach", "[vmdk]") {
  // Says that it is endless: what is asked of memory then must not follow from that.
  class Endless final : public ByteWindow {
   public:
    explicit Endless(std::string bytes) : front_(memory_window("a.vmdk", std::move(bytes))) {}
    const std::string& name() const override { return front_->name(); }
    std::uint64_t size() const override { return std::uint64_t{1} << 62; }
    Status read(std::uint64_t offset, std::span<std::byte> out) const override {
      return front_->read(offset, out);
    }

   private:
    std::shared_ptr<const ByteWindow> front_;
  };
  const Endless file(image(Style::sparse));
  const auto inspected = inspect_vmdk(file);
  REQUIRE(inspected);
  CHECK(check_vmdk_tables(file, *inspected, {}));
}

TEST_CASE("The footer must repeat the header", "[vmdk]") {
  std::string bytes = image(Style::vmware);
  const std::size_t footer = bytes.size() - 1024;
  SECTION("another capacity") { put64(bytes, footer + capacity_at, 128); }
  SECTION("another grain") { put64(bytes, footer + grain_at, 64); }
  SECTION("no directory either") { put64(bytes, footer + directory_at, ~std::uint64_t{0}); }
  SECTION("no header at all") { put32(bytes, footer, 0); }
  SECTION("no marker") { put32(bytes, footer - 512 + 12, 2); }
  SECTION("no end marker") { put32(bytes, footer + 512 + 12, 2); }
  CHECK(code_of(bytes) == Errc::corrupt);
}
