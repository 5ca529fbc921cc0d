// A disk's blocks one after the other, for where there is only a sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/channel.hpp"
#include "movers/nbd_connection.hpp"

namespace flyt::movers {

class Feed {
 public:
  struct Part {
    std::uint64_t first = 0, count = 1;  // blocks; more than one: all whole and zero
    bool zero = false;                   // nothing is in the buffer
  };
  virtual ~Feed() = default;
  // The next block, in the buffer unless zero; nothing: the end. REQUIRES: 1 MiB of buffer.
  virtual Result<std::optional<Part>> next(std::span<std::byte> buffer, const Call& call) = 0;
};

// Puts the extents of a stream together into blocks; what it leaves out is zero. Errc::corrupt when
// offsets do not ascend or pass the end. `stream` must outlive it.
std::unique_ptr<Feed> make_stream_feed(Channel& stream);
// Reads a disk of `length` bytes in order, but for what is not in `data`, which is zero. `disk`
// must outlive it.
std::unique_ptr<Feed> make_disk_feed(NbdConnection& disk, std::uint64_t length, ExtentList data);

}  // namespace flyt::movers
