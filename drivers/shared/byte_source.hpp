// Bytes of a file or of a part of one: by offset, and as a sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

// Thread-safe. Immutable as far as we can see: nobody promises that the file stays as it is.
class ByteWindow {
 public:
  ByteWindow() = default;
  ByteWindow(const ByteWindow&) = delete;
  ByteWindow& operator=(const ByteWindow&) = delete;
  virtual ~ByteWindow() = default;

  virtual const std::string& name() const = 0;  // for errors: "web01.ova: web01-disk1.vmdk"
  virtual std::uint64_t size() const = 0;
  // Fills `out`. Errc::corrupt when the window ends before it is full.
  virtual Status read(std::uint64_t offset, std::span<std::byte> out) const = 0;
};

// `size` bytes of `file` from `offset`.
std::shared_ptr<const ByteWindow> file_window(std::shared_ptr<const FileDescriptor> file,
                                              std::string name, std::uint64_t offset,
                                              std::uint64_t size);
std::shared_ptr<const ByteWindow> memory_window(std::string name, std::string content);

// One reader, one thread at a time.
class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  // How many bytes came, at most out.size(), which is not 0; none: the end. Errors repeat.
  virtual Result<std::size_t> read(std::span<std::byte> out, const Call& call) = 0;
};

std::unique_ptr<ByteStream> stream_of(std::shared_ptr<const ByteWindow> window);
// What `source` says, unpacked (RFC 1952, several members allowed). Errc::corrupt for a wrong
// checksum, rubbish or a missing end; `name` is for errors.
std::unique_ptr<ByteStream> gunzip(std::unique_ptr<ByteStream> source, std::string name);

// Reads until `out` is full. Fewer bytes: the stream has ended.
Result<std::size_t> read_fully(ByteStream& stream, std::span<std::byte> out, const Call& call);

}  // namespace flyt
