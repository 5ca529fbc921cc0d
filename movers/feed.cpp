#include "movers/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "movers/block.hpp"
#include "movers/extent_list.hpp"

namespace flyt::movers {

namespace {

constexpr std::uint64_t max_run = 1024;

// Zero blocks from `block` to where data begins, if any; whole blocks only, or the one last block.
std::uint64_t zero_blocks(std::uint64_t block, std::uint64_t data_begin, std::uint64_t length) {
  const std::uint64_t begin = block * block_bytes;
  if (data_begin < begin + block_size(block, length)) return 0;
  const std::uint64_t whole = std::min(data_begin, length) / block_bytes;
  return std::clamp<std::uint64_t>(whole > block ? whole - block : 1, 1, max_run);
}

class StreamFeed : public Feed {
 public:
  explicit StreamFeed(Channel& stream)
      : stream_(stream), length_(stream.info().size_bytes), ahead_(block_bytes) {}

  Result<std::optional<Part>> next(std::span<std::byte> buffer, const Call& call) override {
    if (block_ == block_count(length_)) {
      FLYT_TRY(end(call));
      return std::optional<Part>{};
    }
    FLYT_TRY(fetch(call));
    if (const std::uint64_t count = zero_blocks(block_, at_, length_); count > 0) {
      const Part part{block_, count, true};
      block_ += count;
      return std::optional(part);
    }
    const std::uint64_t begin = block_ * block_bytes, size = block_size(block_, length_);
    std::memset(buffer.data(), 0, size);
    while (at_ < begin + size) {
      const std::uint64_t bytes = std::min(data_.size(), begin + size - at_);
      std::memcpy(buffer.data() + (at_ - begin), data_.data(), bytes);
      data_ = data_.subspan(bytes);
      at_ += bytes;
      FLYT_TRY(fetch(call));
    }
    return std::optional(Part{block_++, 1, false});
  }

 private:
  // Until there is data ahead, at at_, or the stream has ended and at_ is the disk's end.
  Status fetch(const Call& call) {
    while (data_.empty() && !ended_) {
      FLYT_TRY(proceed(call, "reading a stream"));
      FLYT_ASSIGN(const auto extent, stream_.next(ahead_, call));
      if (!extent) {
        ended_ = true;
        break;
      }
      if (extent->offset < stream_end_ || extent->length > length_ ||
          extent->offset > length_ - extent->length ||
          (!extent->zero && extent->length > ahead_.size())) {
        return Error{Errc::corrupt, "the source's stream is not in order",
                     fmt::format("{} bytes at {} after {}, of {}", extent->length, extent->offset,
                                 stream_end_, length_)};
      }
      stream_end_ = extent->offset + extent->length;
      if (extent->zero) continue;
      at_ = extent->offset;
      data_ = std::span(ahead_).first(extent->length);
    }
    if (data_.empty() && ended_) at_ = std::max(length_, block_ * block_bytes);
    return ok();
  }

  // Nothing may follow: also makes the stream check what it checks at its end.
  Status end(const Call& call) {
    FLYT_TRY(fetch(call));
    if (data_.empty()) return ok();
    return Error{Errc::corrupt, "the source's stream goes on behind its end"};
  }

  Channel& stream_;
  std::uint64_t length_, block_ = 0;
  std::uint64_t stream_end_ = 0;  // of what the stream has given
  std::uint64_t at_ = 0;          // where data_ belongs
  std::vector<std::byte> ahead_;
  std::span<const std::byte> data_;
  bool ended_ = false;
};

class DiskFeed : public Feed {
 public:
  DiskFeed(NbdConnection& disk, std::uint64_t length, ExtentList data)
      : disk_(disk), length_(length), map_(std::move(data)), cursor_(map_) {}

  Result<std::optional<Part>> next(std::span<std::byte> buffer, const Call& call) override {
    if (block_ == block_count(length_)) return std::optional<Part>{};
    const std::uint64_t begin = block_ * block_bytes;
    const std::uint64_t data = cursor_.from(begin).begin;
    if (const std::uint64_t count = zero_blocks(block_, data, length_); count > 0) {
      const Part part{block_, count, true};
      block_ += count;
      return std::optional(part);
    }
    FLYT_TRY(disk_.read(begin, buffer.first(block_size(block_, length_)), call));
    return std::optional(Part{block_++, 1, false});
  }

 private:
  NbdConnection& disk_;
  std::uint64_t length_, block_ = 0;
  ExtentList map_;
  ExtentCursor cursor_;
};

}  // namespace

std::unique_ptr<Feed> make_stream_feed(Channel& stream) {
  return std::make_unique<StreamFeed>(stream);
}

std::unique_ptr<Feed> make_disk_feed(NbdConnection& disk, std::uint64_t length, ExtentList data) {
  return std::make_unique<DiskFeed>(disk, length, std::move(data));
}

}  // namespace flyt::movers
