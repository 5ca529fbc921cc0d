#include "movers/drain.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "movers/block.hpp"

namespace flyt::movers {

namespace {

class DiskDrain : public Drain {
 public:
  explicit DiskDrain(NbdConnection& disk) : disk_(disk), padded_(block_bytes) {}

  Status write(std::uint64_t offset, std::span<const std::byte> data, const Call& call) override {
    const std::uint64_t size = padded(offset, data.size());
    if (size == data.size()) return disk_.write(offset, data, call);
    std::memcpy(padded_.data(), data.data(), data.size());
    std::memset(padded_.data() + data.size(), 0, size - data.size());
    return disk_.write(offset, std::span(padded_).first(size), call);
  }

  Status zero(std::uint64_t offset, std::uint64_t length, const Call& call) override {
    return disk_.zero(offset, padded(offset, length), call);
  }

  Status flush(const Call& call) override { return disk_.flush(call); }

 private:
  // The last block of the source, up to the next unit of a larger target.
  std::uint64_t padded(std::uint64_t offset, std::uint64_t length) const {
    const std::uint64_t unit = disk_.server().min_request;
    return std::min((offset + length + unit - 1) / unit * unit, disk_.server().size) - offset;
  }

  NbdConnection& disk_;
  std::vector<std::byte> padded_;
};

class StreamDrain : public Drain {
 public:
  explicit StreamDrain(Channel& stream) : stream_(stream) {}

  Status write(std::uint64_t offset, std::span<const std::byte> data, const Call& call) override {
    return stream_.put({offset, data.size(), false}, data, call);
  }

  Status zero(std::uint64_t offset, std::uint64_t length, const Call& call) override {
    return stream_.put({offset, length, true}, {}, call);
  }

  Status flush(const Call& call) override { return stream_.flush(call); }

 private:
  Channel& stream_;
};

}  // namespace

std::unique_ptr<Drain> make_disk_drain(NbdConnection& disk) {
  return std::make_unique<DiskDrain>(disk);
}

std::unique_ptr<Drain> make_stream_drain(Channel& stream) {
  return std::make_unique<StreamDrain>(stream);
}

}  // namespace flyt::movers
