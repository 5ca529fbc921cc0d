#include "movers/manifest.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "movers/block.hpp"
#include "movers/merkle.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace flyt;
using namespace flyt::movers;

namespace {

constexpr std::uint64_t blocks = 100;
constexpr std::uint64_t length = blocks * block_bytes - 1000;

Digest numbered(int number) { return sha256("block " + std::to_string(number)); }

Record data(std::uint64_t block, int number, ViewNumber view = 1, std::uint32_t epoch = 1) {
  return {block, 1, view, epoch, RecordKind::data, numbered(number)};
}
Record zero(std::uint64_t first, std::uint64_t count, ViewNumber view = 1,
            std::uint32_t epoch = 1) {
  return {first, count, view, epoch, RecordKind::zero, {}};
}
Record nothing(std::uint64_t first, std::uint64_t count, ViewNumber view = 1) {
  return {first, count, view, 0, RecordKind::nothing, {}};
}

Manifest make(const std::filesystem::path& path) {
  auto manifest = Manifest::open({path, length, 1, true});
  REQUIRE(manifest);
  return *std::move(manifest);
}

Manifest with(const std::filesystem::path& path, const std::vector<Record>& records) {
  {
    Manifest manifest = make(path);
    REQUIRE(manifest.append(records));
    REQUIRE(manifest.sync());
  }
  return make(path);
}

void change_byte(const std::filesystem::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

std::vector<Segment> segments(const Manifest& manifest) {
  std::vector<Segment> all;
  Manifest::Cursor cursor(manifest);
  for (std::uint64_t block = 0; block < blocks; block = all.back().end) {
    all.push_back(cursor.at(block));
  }
  return all;
}

}  // namespace

TEST_CASE("A header is refused when damaged, foreign, newer or of other blocks") {
  const ManifestHeader header{12345, 7, 6};
  RecordBytes bytes = encode(header);
  const auto good = parse_header(bytes);
  REQUIRE(good);
  CHECK(good->length == 12345);
  CHECK(good->first_view == 7);
  CHECK(good->complete_view == 6);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= std::byte{4};
    CHECK(parse_header(bytes).error().code == Errc::corrupt);
    bytes[at] ^= std::byte{4};
  }
  CHECK(parse_header(std::span(bytes).first(63)).error().code == Errc::corrupt);
  bytes[8] = std::byte{2};
  const std::uint32_t crc = crc32c(std::span(bytes).first(60));
  for (int i = 0; i < 4; ++i) bytes[60 + i] = static_cast<std::byte>(crc >> (8 * i));
  CHECK(parse_header(bytes).error().code == Errc::unsupported);
}

TEST_CASE("A record is little-endian, 64 bytes, and any changed bit is seen") {
  const Record record{0x0102030405060708, 1, 9, 10, RecordKind::data, numbered(1)};
  RecordBytes bytes = encode(record);
  CHECK(bytes[0] == std::byte{8});
  CHECK(bytes[7] == std::byte{1});
  CHECK(bytes[8] == std::byte{1});
  CHECK(bytes[16] == std::byte{9});
  CHECK(bytes[20] == std::byte{10});
  CHECK(bytes[24] == std::byte{1});
  Record read;
  REQUIRE(parse_record(bytes, read));
  CHECK(read == record);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= std::byte{128};
    CHECK_FALSE(parse_record(bytes, read));
    bytes[at] ^= std::byte{128};
  }
}

TEST_CASE("A manifest keeps its header and is refused for another length") {
  tests::TempDir folder;
  const Manifest manifest = make(folder / "m");
  CHECK(manifest.empty());
  CHECK(manifest.header().first_view == 1);
  CHECK(Manifest::open({folder / "m", length + 1, 1, true}).error().code == Errc::invalid);
  CHECK(Manifest::open({folder / "none", length, 1, false}).error().code == Errc::not_found);
}

TEST_CASE("The later record wins, in any order, and runs are cut around it") {
  tests::TempDir folder;
  const Manifest manifest =
      with(folder / "m", {zero(0, 100), data(50, 1), data(7, 2), data(50, 3), nothing(90, 5)});
  const auto all = segments(manifest);
  REQUIRE(all.size() == 7);
  CHECK(all[0].source == zero(0, 7));
  CHECK(all[1].source == data(7, 2));
  CHECK(all[2].source == zero(8, 42));
  CHECK(all[3].source == data(50, 3));
  CHECK(all[4].source == zero(51, 39));
  CHECK(all[5].source->kind == RecordKind::nothing);
  CHECK(all[5].on_target() == nullptr);
  CHECK(all[6].first == 95);
  CHECK(all[6].source == zero(95, 5));
}

TEST_CASE("A zero run over data ends the data; sealed twice it stays") {
  tests::TempDir folder;
  Manifest manifest = with(folder / "m", {data(3, 1), data(4, 2), data(5, 3), zero(2, 3, 2, 9)});
  CHECK(manifest.last_epoch() == 9);
  for (int round = 0; round < 2; ++round) {
    const auto all = segments(manifest);
    REQUIRE(all.size() == 4);
    CHECK(all[1].source == zero(2, 3, 2, 9));
    CHECK(all[2].source == data(5, 3));
    CHECK_FALSE(all[3].source);
    REQUIRE(manifest.seal({}));
  }
}

TEST_CASE("Both the source's and the conversion's digest are kept, until a sync writes again") {
  tests::TempDir folder;
  const Record converted = data(10, 77, conversion_view, 5);
  {
    const Manifest manifest = with(folder / "m", {zero(0, 100), converted});
    Manifest::Cursor cursor(manifest);
    CHECK(cursor.at(9).end == 10);
    const Segment both = cursor.at(10);
    CHECK(both.source == zero(10, 1));
    CHECK(both.conversion == converted);
    CHECK(*both.on_target() == converted);
    CHECK_FALSE(cursor.at(11).conversion);
  }
  const Manifest manifest = with(folder / "m", {data(10, 5, 2)});
  Manifest::Cursor cursor(manifest);
  const Segment again = cursor.at(10);
  CHECK(again.source == data(10, 5, 2));
  CHECK_FALSE(again.conversion);
}

TEST_CASE("A complete seal moves all records on to its view") {
  tests::TempDir folder;
  Manifest manifest = with(folder / "m", {zero(0, 100, 1, 3), data(20, 1, 2, 4)});
  REQUIRE(manifest.seal(2));
  CHECK(manifest.header().complete_view == 2);
  for (const Segment& segment : segments(manifest)) CHECK(segment.source->view == 2);
}

TEST_CASE("A seal is not complete with a gap, a void, or a conversion") {
  tests::TempDir folder;
  SECTION("gap") {
    CHECK(with(folder / "m", {zero(0, 50), zero(51, 49)}).seal(1).error().code == Errc::internal);
  }
  SECTION("end") {
    CHECK(with(folder / "m", {zero(0, 99)}).seal(1).error().code == Errc::internal);
  }
  SECTION("void") {
    CHECK(with(folder / "m", {zero(0, 100), nothing(5, 1)}).seal(1).error().code == Errc::internal);
  }
  SECTION("conversion") {
    CHECK(with(folder / "m", {zero(0, 100), data(5, 1, conversion_view)}).seal(1).error().code ==
          Errc::internal);
  }
  CHECK(make(folder / "m").header().complete_view == 0);
}

TEST_CASE("A torn tail is cut wherever it tears") {
  tests::TempDir folder;
  with(folder / "m", {data(0, 1), data(1, 2), data(2, 3)});
  const auto path = folder / "m";
  const std::size_t cut = GENERATE(1, 63, 64, 65, 100);
  std::filesystem::resize_file(path, 4 * record_bytes - cut);
  const Manifest manifest = make(path);
  const std::size_t left = (4 * record_bytes - cut) / record_bytes - 1;
  CHECK(std::filesystem::file_size(path) == (1 + left) * record_bytes);
  Manifest::Cursor cursor(manifest);
  CHECK(cursor.at(0).source == data(0, 1));
  CHECK(cursor.at(1).source.has_value() == (left > 1));
  CHECK_FALSE(cursor.at(2).source);
}

TEST_CASE("A damaged record takes all behind it away") {
  tests::TempDir folder;
  with(folder / "m", {data(0, 1), data(1, 2), data(2, 3)});
  const bool last = GENERATE(true, false);
  change_byte(folder / "m", (last ? 3 : 2) * record_bytes + 40);
  {
    const Manifest manifest = make(folder / "m");
    Manifest::Cursor cursor(manifest);
    CHECK(cursor.at(0).source);
    CHECK(cursor.at(1).source.has_value() == last);
    CHECK_FALSE(cursor.at(2).source);
    CHECK(manifest.header().doubtful == !last);  // a good record behind it: it was no torn tail
  }
  Manifest manifest = make(folder / "m");
  CHECK(manifest.header().doubtful == !last);  // until all was compared
  REQUIRE(manifest.seal({}));
  CHECK(manifest.header().doubtful == !last);
  REQUIRE(manifest.settle());
  CHECK_FALSE(make(folder / "m").header().doubtful);
}

TEST_CASE("A lost void behind which records are whole makes a manifest doubtful") {
  tests::TempDir folder;
  with(folder / "m", {zero(0, 100)});
  {
    Manifest manifest = make(folder / "m");
    REQUIRE(manifest.append(std::vector{nothing(5, 1, 2)}));
    REQUIRE(manifest.append(std::vector{data(7, 1, 2)}));
  }
  change_byte(folder / "m", 2 * record_bytes);
  CHECK(make(folder / "m").header().doubtful);
}

TEST_CASE("One append may be of more records than are synced together") {
  tests::TempDir folder;
  constexpr std::uint64_t many = 3 * 4096 + 1;
  std::vector<Record> voids;
  for (std::uint64_t i = 0; i < many; ++i) voids.push_back(nothing(2 * i, 1));
  auto manifest = Manifest::open({folder / "m", 2 * many * block_bytes, 1, true});
  REQUIRE(manifest->append(std::vector{zero(0, 2 * many)}));
  REQUIRE(manifest->append(voids));
  REQUIRE(manifest->seal({}));
  Manifest::Cursor cursor(*manifest);
  std::uint64_t unknown = 0;
  for (std::uint64_t i = 0; i < 2 * many; ++i) {
    const Segment segment = cursor.at(i);
    REQUIRE((segment.on_target() == nullptr) == (i % 2 == 0));
    unknown += segment.on_target() == nullptr ? 1 : 0;
  }
  CHECK(unknown == many);
}

TEST_CASE("What a seal that was killed left beside the manifest harms nothing") {
  tests::TempDir folder;
  const auto path = folder / "m";
  with(path, {data(3, 1), data(1, 2)});
  {
    Manifest manifest = make(path);
    REQUIRE(manifest.append(std::vector{data(0, 3), nothing(1, 1)}));
  }
  // Whole, and longer than what the next seal writes; or torn.
  std::filesystem::copy_file(path, path.string() + ".new");
  std::filesystem::resize_file(path.string() + ".new", GENERATE(70U, 5000U));
  const Manifest manifest = make(path);
  CHECK_FALSE(std::filesystem::exists(path.string() + ".new"));
  const auto all = segments(manifest);
  REQUIRE(all.size() == 5);
  CHECK(all[0].source == data(0, 3));
  CHECK(all[1].on_target() == nullptr);
  CHECK(all[3].source == data(3, 1));
}

namespace {

// Runs `work` in a process that can make no file longer than `limit` bytes; whether it said 0.
template <typename Work>
bool with_full_disk(std::uint64_t limit, Work work) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit most{limit, limit};
    _exit(setrlimit(RLIMIT_FSIZE, &most) == 0 ? work() : 9);
  }
  int status = -1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("A full disk under the manifest loses nothing that was appended before") {
  tests::TempDir folder;
  const auto path = folder / "m";
  with(path, {zero(0, 100), data(2, 1)});
  const std::uint64_t before = std::filesystem::file_size(path);
  SECTION("append: the torn record is cut") {
    CHECK(with_full_disk(before + 100, [&] {
      auto manifest = Manifest::open({path, length, 1, true});
      return manifest && !manifest->append(std::vector{data(3, 2), data(4, 3)}) ? 0 : 1;
    }));
    CHECK(std::filesystem::file_size(path) == before + 100);
    const auto all = segments(make(path));
    CHECK(all[1].source == data(2, 1));
    CHECK(all[2].source == data(3, 2));
    CHECK(all[3].source == zero(4, 96));
  }
  SECTION("seal: the file is as it was") {
    CHECK(with_full_disk(100, [&] {
      auto manifest = Manifest::open({path, length, 1, true});
      return manifest && !manifest->seal(1) ? 0 : 1;
    }));
    CHECK(std::filesystem::file_size(path) == before);
    CHECK(make(path).header().complete_view == 0);
  }
}

namespace {

std::uint64_t memory_kib(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

}  // namespace

TEST_CASE("Opening and sealing a manifest takes no memory for its records") {
  tests::TempDir folder;
  const auto path = folder / "m";
  constexpr std::uint64_t many = std::uint64_t{1} << 20;  // 64 MiB, of a disk of 1 TiB
  const bool sorted = GENERATE(true, false);
  {
    auto manifest = Manifest::open({path, many * block_bytes, 1, true});
    std::vector<Record> some;
    for (std::uint64_t i = 0; i < many; ++i) {
      some.push_back({sorted ? i : many - 1 - i, 1, 1, 1, RecordKind::data, {}});
      if (some.size() < 4096) continue;
      REQUIRE(manifest->append(some));
      some.clear();
    }
  }
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
  const std::uint64_t before = memory_kib("VmHWM");
  auto manifest = Manifest::open({path, many * block_bytes, 1, true});
  REQUIRE(manifest);
  if (sorted) REQUIRE(manifest->seal({}));
  // What is out of order has 16 bytes a record in a file of its own, for the time of a seal.
  CHECK(memory_kib("VmHWM") - before < (sorted ? 24U << 10 : 44U << 10));
}

TEST_CASE("Damage far before the end is no torn tail") {
  tests::TempDir folder;
  const auto path = folder / "m";
  constexpr std::uint64_t many = 10000;
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < many; ++i) records.push_back(data(i, static_cast<int>(i)));
  {
    auto manifest = Manifest::open({path, many * block_bytes, 1, true});
    REQUIRE(manifest->append(records));
  }
  change_byte(path, 100 * record_bytes);
  const auto opened = Manifest::open({path, many * block_bytes, 1, true});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::corrupt);
  CHECK_FALSE(opened.error().remedy.empty());
}

TEST_CASE("Records that make no sense are damage") {
  tests::TempDir folder;
  const Record record =
      GENERATE(zero(0, 0), zero(100, 1), zero(99, 2), Record{5, 2, 1, 1, RecordKind::data, {}},
               Record{0, 1, 1, 1, static_cast<RecordKind>(9), {}}, zero(1, ~std::uint64_t{0}));
  {
    Manifest manifest = make(folder / "m");
    REQUIRE(manifest.append(std::vector{record}));
  }
  CHECK(Manifest::open({folder / "m", length, 1, true}).error().code == Errc::corrupt);
}

TEST_CASE("The root covers every block, with the short last one") {
  tests::TempDir folder;
  Manifest manifest = with(folder / "m", {zero(0, 100), data(42, 1), data(43, 9, conversion_view)});
  Merkle source, target;
  for (std::uint64_t i = 0; i < 99; ++i) {
    const Digest plain = i == 42 ? numbered(1) : zero_digest(block_bytes);
    source.add(plain);
    target.add(i == 43 ? numbered(9) : plain);
  }
  for (Merkle* tree : {&source, &target}) tree->add(sha256(std::string(block_bytes - 1000, '\0')));
  CHECK(*manifest.root(Manifest::Layer::source) == source.root(length));
  CHECK(*manifest.root(Manifest::Layer::target) == target.root(length));
  REQUIRE(manifest.append(std::vector{nothing(5, 1)}));
  REQUIRE(manifest.seal({}));
  CHECK(manifest.root(Manifest::Layer::source).error().code == Errc::corrupt);
}

TEST_CASE("A disk of no bytes has a manifest and a root") {
  tests::TempDir folder;
  auto manifest = Manifest::open({folder / "m", 0, 1, true});
  REQUIRE(manifest);
  REQUIRE(manifest->seal(1));
  CHECK(*manifest->root(Manifest::Layer::source) == Merkle().root(0));
}
