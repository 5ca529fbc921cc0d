// A manifest of what is on a disk: rubbish is refused, and records in any order mean what a plain
// reading of them, one after the other, says.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "movers/manifest.hpp"

namespace {

using namespace flyt;
using namespace flyt::movers;

constexpr std::uint64_t blocks = 24;

struct Model {
  std::optional<Record> source[blocks], conversion[blocks];

  void add(const Record& record) {
    for (std::uint64_t block = record.first; block < record.end(); ++block) {
      (record.conversion() ? conversion : source)[block] = record;
      if (!record.conversion()) conversion[block].reset();
    }
  }
};

bool same(const std::optional<Record>& one, const std::optional<Record>& other) {
  return one.has_value() == other.has_value() &&
         (!one || (one->kind == other->kind && one->view == other->view &&
                   one->epoch == other->epoch && one->digest == other->digest));
}

// Three bytes a record.
std::vector<Record> records_of(std::span<const std::uint8_t> data) {
  std::vector<Record> records;
  for (; data.size() >= 3; data = data.subspan(3)) {
    Record record;
    record.kind = static_cast<RecordKind>(1 + data[2] % 3);
    record.first = data[0] % blocks;
    record.count = record.kind == RecordKind::data ? 1 : 1 + data[1] % (blocks - record.first);
    record.view = data[2] & 0x10 ? conversion_view : 1 + (data[2] >> 6);
    record.epoch = data[2] >> 5;
    if (record.kind == RecordKind::data) record.digest.fill(std::byte{data[1]});
    records.push_back(record);
  }
  return records;
}

void check(const Manifest& manifest, const Model& model) {
  Manifest::Cursor cursor(manifest);
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const Segment segment = cursor.at(block);
    if (segment.end <= block || !same(segment.source, model.source[block]) ||
        !same(segment.conversion, model.conversion[block])) {
      __builtin_trap();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  (void)parse_header(bytes);
  if (size >= record_bytes) {
    Record record;
    if (parse_record(bytes.first<record_bytes>(), record)) (void)is_valid(record, blocks);
  }
  static const std::filesystem::path path =
      "/dev/shm/flyt-fuzz-manifest." + std::to_string(getpid());
  const std::vector<Record> records = records_of({data, size});
  Model model;
  {
    auto made = Manifest::open({path, blocks * block_bytes, 1, true});
    if (!made || !made->append(records)) __builtin_trap();
    for (const Record& record : records) model.add(record);
  }
  const auto opened = Manifest::open({path, blocks * block_bytes, 1, true});
  if (!opened) __builtin_trap();
  check(*opened, model);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return 0;
}
