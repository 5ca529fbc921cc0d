// The bytes of a file on a datastore, read in ranges over HTTPS from the server's /folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "drivers/vsphere/governor.hpp"
#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

struct RangeFile {
  std::string datacentre, datastore;
  std::string path;  // on the datastore: "web01/web01-flat.vmdk"
};

// Thread-safe. `session` must outlive it.
class RangeReader {
 public:
  // At most `connections` requests are out at once, fewer where the server has enough (HTTP 503).
  RangeReader(Session& session, const RangeFile& file, unsigned connections);

  // Of the file. Errors as read().
  Result<std::uint64_t> size(const Call& call);

  // Fills `out`. What is interrupted goes on where it was, and what may pass (a connection that
  // breaks, a server that is busy, an HTTP 500, which also means a locked file) is tried again for
  // a minute: nobody else could, since the reader stands behind an NBD server. Errors: not_found;
  // denied; unavailable, and `why` when the file is locked; unsupported, when the server knows no
  // ranges; corrupt, when the file is shorter, or not of the size that it had.
  Status read(std::uint64_t offset, std::span<std::byte> out, const Call& call);

  const std::string& name() const { return name_; }  // "[datastore] path"

 private:
  Status try_range(std::uint64_t offset, std::span<std::byte> out, std::size_t& done,
                   const Call& call);
  Status check_head(const HttpResponse& head, std::uint64_t offset, std::size_t wanted);
  Result<HttpResponse> ask(HttpRequest request, const Call& call);
  Error error_of_status(const HttpResponse& response) const;

  Session& session_;
  std::string url_, name_;
  Governor governor_;
  std::atomic<std::uint64_t> size_{0};  // as the first answer says it; 0: not known
};

}  // namespace flyt::vsphere
