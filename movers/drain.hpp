// Where a sequence of blocks goes: a disk or a stream.
#pragma once

#include <memory>

#include "base/channel.hpp"
#include "movers/nbd_connection.hpp"

namespace flyt::movers {

class Drain {
 public:
  virtual ~Drain() = default;
  virtual Status write(std::uint64_t offset, std::span<const std::byte> data, const Call& call) = 0;
  virtual Status zero(std::uint64_t offset, std::uint64_t length, const Call& call) = 0;
  // As Channel::flush().
  virtual Status flush(const Call& call) = 0;
};

// The argument must outlive the result.
std::unique_ptr<Drain> make_disk_drain(NbdConnection& disk);
std::unique_ptr<Drain> make_stream_drain(Channel& stream);

}  // namespace flyt::movers
