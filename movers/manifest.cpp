#include "movers/manifest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "movers/block.hpp"
#include "movers/manifest_seal.hpp"
#include "movers/merkle.hpp"

namespace flyt::movers {

namespace {

Status write_all(const FileDescriptor& file, std::span<const std::byte> bytes,
                 const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write " + path.string(), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return ok();
}

Error damaged(const std::filesystem::path& path, std::string_view seen) {
  return {Errc::corrupt,
          "the manifest " + path.string() + " is damaged",
          std::string(seen),
          "another program wrote to it, or the storage lost data",
          "the target was not touched; what is on it is not known",
          {"rm " + path.string() + "   (the next sync then sends the whole disk)"}};
}

Record at(std::span<const std::byte> bytes, std::size_t index, bool& good) {
  Record record;
  good = parse_record(bytes.subspan((1 + index) * record_bytes).first<record_bytes>(), record);
  return record;
}

// Whether `next` may follow `last` in a sealed file.
bool follows(const Record& last, const Record& next) {
  return next.first >= last.end() || (next.first == last.first && next.count == last.count &&
                                      !last.conversion() && next.conversion());
}

}  // namespace

const Record* Segment::on_target() const {
  const std::optional<Record>& top = conversion ? conversion : source;
  return top && top->kind != RecordKind::nothing ? &*top : nullptr;
}

Result<Manifest> Manifest::open(const Open& what) {
  struct stat info {};
  if (stat(what.path.c_str(), &info) != 0) {
    if (errno != ENOENT || !what.create) {
      return system_error("cannot open the manifest " + what.path.string(), errno);
    }
    const RecordBytes bytes = encode(ManifestHeader{what.length.value_or(0), what.first_view, 0});
    FLYT_TRY(write_durably(what.path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                           0600));
  }
  Manifest manifest(what.path);
  FLYT_TRY(manifest.load());
  if (what.length && manifest.header_.length != *what.length) {
    return Error{Errc::invalid,
                 fmt::format("the manifest is for a disk of {} bytes, this one has {}",
                             manifest.header_.length, *what.length),
                 what.path.string()};
  }
  if (manifest.sorted_ < manifest.count_ || manifest.damaged_tail_) FLYT_TRY(manifest.seal({}));
  return manifest;
}

Status Manifest::load() {
  file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  if (!file_) return system_error("cannot open the manifest " + path_.string(), errno);
  struct stat info {};
  if (fstat(file_.get(), &info) != 0)
    return system_error("cannot look at " + path_.string(), errno);
  const auto size = static_cast<std::size_t>(info.st_size);
  FLYT_ASSIGN(mapped_, MappedFile::map(file_, size));
  auto header = parse_header(mapped_.bytes());
  if (!header) return std::move(header).error().within(path_.string());
  header_ = *header;
  FLYT_ASSIGN(const Scanned found, scan());
  count_ = found.good;
  const std::size_t end = (1 + found.good) * record_bytes;
  // Not cut before a new file's header says that it is doubtful.
  damaged_tail_ = !found.torn;
  header_.doubtful = header_.doubtful || (damaged_tail_ && count_ > 0);
  if (end == size) return ok();
  if (!damaged_tail_ &&
      (ftruncate(file_.get(), static_cast<off_t>(end)) != 0 || fdatasync(file_.get()) != 0)) {
    return system_error("cannot cut the torn end of " + path_.string(), errno);
  }
  FLYT_ASSIGN(mapped_, MappedFile::map(file_, end));
  return ok();
}

// Damage is a torn tail if no more than one append lies behind it and no record there is good.
// Where one is, an append was torn out of order, or records were lost that had been synced: voids
// among them, maybe.
Result<Manifest::Scanned> Manifest::scan() {
  const std::size_t whole = mapped_.bytes().size() / record_bytes - 1;
  const std::uint64_t blocks = block_count(header_.length);
  std::optional<Record> last;
  bool sorted = true;
  std::size_t count = 0;
  sorted_ = 0;
  last_epoch_ = 0;
  Trail trail(mapped_.bytes());
  for (std::size_t i = 0; i < whole; ++i) {
    bool good = false;
    const Record record = at(mapped_.bytes(), i, good);
    if (!good) {
      if (whole - i <= append_records) {
        while (!good && ++i < whole) (void)at(mapped_.bytes(), i, good);
        return Scanned{count, !good};
      }
      return damaged(path_, fmt::format("record {} of {} has a wrong checksum", i, whole));
    }
    if (!is_valid(record, blocks)) {
      return damaged(path_, fmt::format("record {} makes no sense on {} blocks", i, blocks));
    }
    sorted = sorted && (!last || follows(*last, record));
    if (sorted) sorted_ = i + 1;
    last_epoch_ = std::max(last_epoch_, record.epoch);
    last = record;
    ++count;
    trail.reached(i * record_bytes);
  }
  return Scanned{whole, true};
}

Status Manifest::append(std::span<const Record> records) {
  std::vector<std::byte> bytes;
  while (!records.empty()) {
    const auto some = records.first(std::min(records.size(), append_records));
    bytes.clear();
    for (const Record& record : some) {
      const RecordBytes encoded = encode(record);
      bytes.insert(bytes.end(), encoded.begin(), encoded.end());
    }
    FLYT_TRY(write_all(file_, bytes, path_));
    records = records.subspan(some.size());
    if (!records.empty()) FLYT_TRY(sync());
  }
  return ok();
}

Status Manifest::sync() {
  if (fdatasync(file_.get()) != 0) return system_error("cannot sync " + path_.string(), errno);
  return ok();
}

Status Manifest::seal(std::optional<ViewNumber> complete) { return rewrite(complete, false); }

Status Manifest::settle() { return rewrite({}, true); }

Status Manifest::rewrite(std::optional<ViewNumber> complete, bool compared) {
  FLYT_TRY(load());
  if (compared) header_.doubtful = false;
  FLYT_TRY(
      seal_manifest({path_, header_, mapped_.bytes().subspan(record_bytes), sorted_, complete}));
  FLYT_TRY(load());
  if (sorted_ == count_) return ok();
  return Error{Errc::internal, "a sealed manifest is not in block order", path_.string()};
}

Manifest::Cursor::Cursor(const Manifest& manifest)
    : manifest_(&manifest), trail_(manifest.mapped_.bytes()) {}

Record Manifest::Cursor::load(std::size_t index) const {
  bool good = false;
  return movers::at(manifest_->mapped_.bytes(), index, good);
}

Segment Manifest::Cursor::at(std::uint64_t block) {
  while (index_ < manifest_->count_ && load(index_).end() <= block) ++index_;
  trail_.reached(index_ * record_bytes);
  const std::uint64_t blocks = block_count(manifest_->header_.length);
  if (index_ == manifest_->count_) return {block, blocks, {}, {}};
  const Record first = load(index_);
  if (first.first > block) return {block, first.first, {}, {}};
  Segment segment{block, first.end(), {}, {}};
  if (first.conversion()) {
    segment.conversion = first;
    return segment;
  }
  segment.source = first;
  if (index_ + 1 < manifest_->count_) {
    const Record next = load(index_ + 1);
    if (next.first == first.first && next.conversion()) segment.conversion = next;
  }
  return segment;
}

Result<Digest> Manifest::root(Layer layer) const {
  const std::uint64_t blocks = block_count(header_.length);
  Merkle tree;
  Cursor cursor(*this);
  for (std::uint64_t block = 0; block < blocks;) {
    const Segment segment = cursor.at(block);
    const Record* record = layer == Layer::target ? segment.on_target()
                           : segment.source       ? &*segment.source
                                                  : nullptr;
    if (record == nullptr || record->kind == RecordKind::nothing) {
      return Error{Errc::corrupt,
                   fmt::format("the manifest does not know what block {} of {} is", block, blocks),
                   path_.string(), "a sync or a commit did not come to its end"};
    }
    std::uint64_t count = segment.end - block;
    if (record->kind == RecordKind::data) {
      tree.add(record->digest);
    } else {
      const std::uint64_t last = block_size(segment.end - 1, header_.length);
      if (last != block_bytes) --count;
      if (count > 0) tree.add(zero_digest(block_bytes), count);
      if (last != block_bytes) tree.add(zero_digest(last));
    }
    block = segment.end;
  }
  return tree.root(header_.length);
}

}  // namespace flyt::movers
