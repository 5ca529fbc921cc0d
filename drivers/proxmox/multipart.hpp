// A file as the one form in which Proxmox VE takes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/rate_limit.hpp"
#include "base/result.hpp"

namespace flyt::proxmox {

struct FileToSend {
  std::string name;  // on the storage: letters, digits and "-.+=_"
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::string sha256;                            // hexadecimal
  std::function<void(std::uint64_t)> sent = {};  // told how many more bytes are on their way
  std::shared_ptr<RateLimit> rate = {};
};

// The body of an upload, never held whole. Its parts stand in the order, and are written in the
// words, that the server's own parser takes: content, checksum-algorithm, checksum, the file.
class MultipartBody {
 public:
  // Errc::unavailable: the file is not as large as it should be.
  static Result<MultipartBody> open(const FileToSend& file);
  std::string type() const;  // of the request's Content-Type
  std::uint64_t size() const;

  // From the beginning again.
  Status rewind();
  // The next bytes; 0: the end. As fast as the rate allows; a stop ends the wait.
  Result<std::size_t> read(std::span<std::byte> to, const Call& call);

 private:
  MultipartBody(const FileToSend& file, FileDescriptor from, std::string boundary);
  Result<std::size_t> read_file(std::span<std::byte> to, const Call& call);

  const FileToSend* file_;
  FileDescriptor from_;
  std::string boundary_, head_, tail_;
  std::uint64_t at_ = 0;
};

}  // namespace flyt::proxmox
