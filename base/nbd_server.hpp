// An NBD server of ours on a private unix socket, and the channel that is one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/channel.hpp"
#include "base/result.hpp"

namespace flyt {

// Stands for the socket's path in NbdServerSpec::argv; may be part of a word
// ("addr.path={socket}").
inline constexpr std::string_view nbd_socket = "{socket}";

struct NbdServerSpec {
  // Must stay in the foreground, serve on the socket until SIGTERM however many clients come and
  // go, and then end with status 0: `nbdkit -f -U {socket} ...`, `qemu-nbd -t -k {socket} ...`.
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string what;  // starts its errors: "web01: disk 0"
  // Given each line of its standard output until it is true: the server serves, and listens. None:
  // it serves as soon as it listens.
  std::function<bool(std::string_view line)> serves = {};
  // It ends with its standard input. A signal would only reach what stands between (ssh), so it
  // gets none before it has had its time.
  bool ends_with_input = false;
};

// Ends with this object, and with this process whatever happens to it.
class NbdServer {
 public:
  // Returns when it serves: the greeting was read and the export opened. A server that ended or
  // refuses is Errc::unavailable with what it printed.
  static Result<NbdServer> start(const NbdServerSpec& spec, const Call& call);
  NbdServer(NbdServer&&) noexcept;
  NbdServer& operator=(NbdServer&&) noexcept;
  ~NbdServer();

  const std::string& uri() const noexcept;
  std::uint64_t size_bytes() const noexcept;  // as it serves it
  bool read_only() const noexcept;            // it says that it takes no writes
  int pid() const noexcept;
  // Ends it and reports what went wrong: it had ended before, or a bad exit status. It may flush
  // for a minute before it is killed. Past the deadline or stopped it goes on with that: timed_out
  // or cancelled, and a second end waits on. An end after the end succeeds.
  Status end(const Call& call = {});
  bool is_over() const noexcept;  // by end()

 private:
  struct Impl;
  explicit NbdServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct NbdChannelSpec {
  NbdServerSpec server;
  // `uri` and, where it is 0, `size_bytes` are filled in. Another size than the server's is
  // Errc::corrupt.
  ChannelInfo info = {};
  // Channel::changed(); none: Errc::unsupported.
  std::function<Result<std::vector<Extent>>(std::uint64_t from, const Call& call)> changed = {};
  // Called with the server's pid before the channel is handed out, to note it for fencing.
  std::function<Status(int pid)> started = {};
  // Called once when the server has ended, also without close(): syncs, unlocks, removes. Its
  // error is close()'s. A close() that was stopped leaves it to the next, or to the destructor,
  // which waits for the server.
  std::function<Status()> released = {};
};

Result<std::unique_ptr<Channel>> open_nbd_channel(NbdChannelSpec spec, const Call& call);

}  // namespace flyt
