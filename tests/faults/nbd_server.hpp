// Real NBD servers for tests: nbdkit and qemu-nbd on a unix socket, and channels to them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {

// Ends with this object, or with us.
class ServedDisk {
 public:
  // `nbdkit -f -U SOCKET ARGUMENTS`, `qemu-nbd -t -k SOCKET ARGUMENTS`. Serve when they return; a
  // server that does not come up throws std::runtime_error.
  static ServedDisk nbdkit(const std::vector<std::string>& arguments);
  static ServedDisk qemu(const std::vector<std::string>& arguments);
  ServedDisk(ServedDisk&& other) noexcept;
  ServedDisk& operator=(ServedDisk&& other) noexcept;
  ~ServedDisk();

  std::string uri() const;
  pid_t pid() const { return pid_; }
  void end(int signal);  // and waits until it has ended

 private:
  ServedDisk() = default;
  void start(std::vector<std::string> argv, const std::string& socket);

  std::string socket_;
  pid_t pid_ = -1;
};

// Whether `program` is on PATH.
bool has_program(const std::string& program);

// A channel to an NBD server that somebody else runs.
class UriChannel : public Channel {
 public:
  // Size 0: of a disk that has no bytes.
  UriChannel(std::string uri, std::uint64_t size) { info_ = {std::move(uri), size, false, true}; }

  const ChannelInfo& info() const override { return info_; }
  Result<std::vector<Extent>> changed(std::uint64_t from, const Call& call) override;
  Status close(const Call&) override { return ok(); }

  ChannelInfo info_;
  std::optional<std::vector<Extent>> changes_;  // in pages of two
};

}  // namespace flyt::tests
