// One connection to an NBD server, over libnbd: requests that the caller waits for, and requests
// that an event loop posts and collects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"
#include "movers/extent_list.hpp"

struct nbd_handle;

namespace flyt::movers {

enum class Side : std::uint8_t { source, target };

// What a server said when we connected.
struct NbdExport {
  std::uint64_t size = 0;
  std::uint64_t min_request = 1;            // offsets and lengths are multiples; a power of two
  std::uint64_t max_request = 32ULL << 20;  // of reads and writes
  bool can_zero = false, can_flush = false, can_multi_conn = false, read_only = false;
  bool maps = false;  // knows what is allocated (base:allocation)
};

// One thread at a time. Errors say which side it is: unavailable when the server is gone.
class NbdConnection {
 public:
  static Result<std::unique_ptr<NbdConnection>> connect(const std::string& uri, Side side,
                                                        const Call& call);
  NbdConnection(const NbdConnection&) = delete;
  NbdConnection& operator=(const NbdConnection&) = delete;
  ~NbdConnection();

  const NbdExport& server() const { return server_; }
  Side side() const { return side_; }

  // Any offset and length within the size: aligned and split as the server wants. Not while posted
  // requests are out.
  Status read(std::uint64_t offset, std::span<std::byte> data, const Call& call);
  // REQUIRES: aligned to min_request, or ending at the size.
  Status write(std::uint64_t offset, std::span<const std::byte> data, const Call& call);
  Status zero(std::uint64_t offset, std::uint64_t length, const Call& call);
  Status flush(const Call& call);
  // Adds what does not surely read as zero in [begin, end).
  Status map(Range range, ExtentList& data, const Call& call);

  // One server request each; REQUIRES: aligned, at most max_request, buffers live until the request
  // is in done(). A request that cannot be posted is there at once, with its error.
  void post_read(std::uint64_t offset, std::span<std::byte> data, std::uint64_t tag);
  void post_write(std::uint64_t offset, std::span<const std::byte> data, std::uint64_t tag);
  void post_zero(std::uint64_t offset, std::uint64_t length, std::uint64_t tag);
  void post_flush(std::uint64_t tag);

  struct Done {
    std::uint64_t tag;
    int error;  // errno; 0: success
  };
  std::vector<Done>& done() { return done_; }  // the caller empties it
  int fd() const;
  short events() const;  // for poll()
  void notify(short revents);
  bool dead() const;

  Error error(int number, std::string_view doing) const;

 private:
  struct Request;
  NbdConnection(nbd_handle* handle, Side side) : handle_(handle), side_(side) {}
  Status negotiate(const std::string& uri, const Call& call);
  Status ask();
  Status wait_for(const char* doing, const Call& call);
  bool abandoned(std::uint64_t tag);
  void posted(std::int64_t cookie, std::uint64_t tag);

  nbd_handle* handle_;
  Side side_;
  NbdExport server_;
  std::vector<Done> done_;
  bool abandoned_ = false;  // a caller did not wait for its request: no use any more
};

}  // namespace flyt::movers
