// Bytes from one thread to another: what the first puts in, the second reads as a stream.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt::vsphere {

// Thread-safe. One thread puts, one reads; any may call fail(). Memory: the capacity.
class BytePipe {
 public:
  // `what` begins errors. REQUIRES: capacity > 0.
  BytePipe(std::size_t capacity, std::string what) : what_(std::move(what)), ring_(capacity) {}
  BytePipe(const BytePipe&) = delete;
  BytePipe& operator=(const BytePipe&) = delete;

  // Waits until all of `data` has found room. Stopped, past the deadline, or after fail(): an
  // error, and a part of `data` may have been put.
  Status put(std::span<const std::byte> data, const Call& call);
  // No more is put: what is left is read, and then the end.
  void end();
  // What is left is read, and then `error`, for good. Only the first counts, of end() and fail().
  void fail(Error error);

  // As ByteStream::read().
  Result<std::size_t> read(std::span<std::byte> out, const Call& call);

 private:
  template <typename Ready>
  Status wait_for(std::unique_lock<std::mutex>& lock, const Call& call, Ready ready);
  std::size_t take_in(std::span<const std::byte> data);
  std::size_t give_out(std::span<std::byte> out);

  const std::string what_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::byte> ring_;
  std::size_t begin_ = 0, held_ = 0;
  bool ended_ = false;
  std::optional<Error> failed_;
};

}  // namespace flyt::vsphere
