// What is on a target disk: a digest for every block, each naming its view. A file that only grows,
// and is put into block order when it is opened and when a sync completes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "movers/manifest_record.hpp"
#include "movers/mapped_file.hpp"

namespace flyt::movers {

// Neighbouring blocks of which the manifest says the same; data is always one block.
struct Segment {
  std::uint64_t first = 0, end = 0;
  std::optional<Record> source;      // the last that a sync wrote
  std::optional<Record> conversion;  // written over it since, by committing a conversion

  // What the target holds, or nothing where that is not known.
  const Record* on_target() const;
};

// So many records, at most, are appended between two syncs: a torn append damages no more.
inline constexpr std::size_t append_records = 4096;

// One thread at a time.
class Manifest {
 public:
  // Made when there is none, if `create`; else Errc::not_found. REQUIRES: a length, to make it.
  // Cuts a torn tail; where records behind the tear are whole, the header is doubtful from then on.
  // Errors: corrupt; invalid when the file is for a disk of another length.
  struct Open {
    std::filesystem::path path;
    std::optional<std::uint64_t> length;  // of the source; nothing: as the file says
    ViewNumber first_view = 0;            // for the header of a new file
    bool create = false;
  };
  static Result<Manifest> open(const Open& what);

  const ManifestHeader& header() const { return header_; }
  bool empty() const { return count_ == 0; }
  std::uint32_t last_epoch() const { return last_epoch_; }

  // Goes on at the end of the file. Not seen by cursors until sealed. On stable storage after
  // sync(), which has to come before more than append_records in several calls. Safe in one other
  // thread while this one reads.
  Status append(std::span<const Record> records);
  Status sync();

  // Puts all records into block order; of each block stay the last source record and, where later,
  // the last conversion record. With `complete`, every block must have a source record and nothing
  // over it, and all records move on to this view. On error the file is as it was.
  Status seal(std::optional<ViewNumber> complete);
  // All that it says was compared with the target: as seal({}), and no longer doubtful.
  Status settle();

  // Walks in ascending order what was sealed last. Ends with a seal().
  class Cursor {
   public:
    explicit Cursor(const Manifest& manifest);
    // The rest of the segment that holds `block`. REQUIRES: blocks ascend.
    Segment at(std::uint64_t block);

   private:
    Record load(std::size_t index) const;
    const Manifest* manifest_;
    std::size_t index_ = 0;
    Trail trail_;
  };

  enum class Layer : std::uint8_t { source, target };
  // Errc::corrupt when the digest of a block is not known.
  Result<Digest> root(Layer layer) const;

 private:
  explicit Manifest(std::filesystem::path path) : path_(std::move(path)) {}
  Status load();
  Status rewrite(std::optional<ViewNumber> complete, bool compared);
  struct Scanned {
    std::size_t good = 0;  // records from the start
    bool torn = false;     // no record behind them is good
  };
  Result<Scanned> scan();

  std::filesystem::path path_;
  FileDescriptor file_;
  MappedFile mapped_;
  ManifestHeader header_;
  std::size_t count_ = 0;   // records in mapped_
  std::size_t sorted_ = 0;  // of them, from the start, in block order
  std::uint32_t last_epoch_ = 0;
  bool damaged_tail_ = false;  // behind count_ are records that cannot be told from lost ones
};

}  // namespace flyt::movers
