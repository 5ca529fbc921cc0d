// The NBD servers between which a benchmark copies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace flyt::bench {

// A server, which ends with the last copy of this.
struct End {
  std::string uri;
  std::uint64_t size_bytes = 0;
  std::shared_ptr<void> server = {};
};

// nbdkit with these arguments, on a unix socket. Throws std::runtime_error.
End serve(std::vector<std::string> arguments);

// Another network namespace behind a link of 1 Gbit/s. Needs root.
class Link {
 public:
  static bool possible();
  Link();  // throws std::runtime_error
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();
  // nbdkit at the other end.
  End serve(std::vector<std::string> arguments, std::uint64_t size_bytes) const;

 private:
  std::string name_;
};

}  // namespace flyt::bench
