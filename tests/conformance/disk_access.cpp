#include "tests/conformance/disk_access.hpp"

#include <libnbd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "base/units.hpp"

namespace flyt::tests {
namespace {

struct Closer {
  void operator()(nbd_handle* handle) const { nbd_close(handle); }
};
using Handle = std::unique_ptr<nbd_handle, Closer>;

Error nbd_failed() { return {Errc::unavailable, nbd_get_error()}; }

Result<Handle> connect(const Channel& channel) {
  Handle handle(nbd_create());
  if (!handle || nbd_connect_uri(handle.get(), channel.info().uri.c_str()) != 0) {
    return nbd_failed();
  }
  return handle;
}

Result<std::string> read_stream(Channel& channel) {
  std::string content(static_cast<std::size_t>(channel.info().size_bytes), '\0');
  std::vector<std::byte> buffer(2 * mib);
  std::uint64_t at = 0;
  for (;;) {
    FLYT_ASSIGN(const auto extent, channel.next(buffer, {}));
    if (!extent) return content;
    if (extent->offset < at || extent->offset + extent->length > content.size()) {
      return Error{Errc::corrupt, "the extents of the stream do not ascend or leave the disk"};
    }
    if (!extent->zero) {
      const auto* const data = reinterpret_cast<const char*>(buffer.data());
      std::copy_n(data, extent->length,
                  content.begin() + static_cast<std::ptrdiff_t>(extent->offset));
    }
    at = extent->offset + extent->length;
  }
}

}  // namespace

Result<std::string> read_disk(Channel& channel) {
  if (channel.info().uri.empty()) return read_stream(channel);
  return read_disk(channel, 0, channel.info().size_bytes);
}

Result<std::string> read_disk(Channel& channel, std::uint64_t offset, std::uint64_t length) {
  FLYT_ASSIGN(const Handle handle, connect(channel));
  std::string content(static_cast<std::size_t>(length), '\0');
  for (std::uint64_t at = 0; at < length;) {
    const std::uint64_t part = std::min(length - at, mib);
    if (nbd_pread(handle.get(), content.data() + at, part, offset + at, 0) != 0) {
      return nbd_failed();
    }
    at += part;
  }
  return content;
}

Status write_disk(Channel& channel, std::uint64_t offset, std::string_view data) {
  FLYT_ASSIGN(const Handle handle, connect(channel));
  while (!data.empty()) {
    const std::string_view part = data.substr(0, mib);
    if (nbd_pwrite(handle.get(), part.data(), part.size(), offset, 0) != 0) return nbd_failed();
    offset += part.size();
    data.remove_prefix(part.size());
  }
  if (nbd_flush(handle.get(), 0) != 0) return nbd_failed();
  return ok();
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& one : text) one = static_cast<char>(random());
  return text;
}

}  // namespace flyt::tests
