// One connection to a libvirt daemon, opened when it is first needed and again when it broke.
#pragma once

#include <libvirt/libvirt.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::virt {

using Link = std::shared_ptr<virConnect>;

// Errc::unavailable: the connection broke. For work that takes no answer for "nothing known" here
// and there: what came of it then says less than there is.
Status still_connected(virConnectPtr link);

// A daemon on another host: one of its sockets is carried here by SSH, the first that is there.
struct FarDaemon {
  LandingHost host;
  std::vector<std::string> sockets;
};

// Thread-safe. Opening and closing are left behind, in threads that end with the daemon's answer or
// with this process, where they take too long; other calls of libvirt end with an error when the
// daemon says nothing for 30 s (keepalive): attended() is for leaving them earlier.
class Connection {
 public:
  explicit Connection(std::string uri, std::optional<FarDaemon> far = std::nullopt);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::string& uri() const noexcept { return uri_; }
  bool session() const;  // an unprivileged daemon

  // Errc::cancelled, timed_out (nothing was opened); unavailable, denied.
  Result<Link> get(const Call& call);

  // Returns when `holds` is true. Looked at whenever any machine's life changes, and each second.
  Status wait_until(const std::function<Result<bool>()>& holds, const Call& call,
                    std::string_view what);

 private:
  struct Events;
  struct Attempt;

  static Result<Link> open(std::string uri, const std::optional<FarDaemon>& far,
                           const std::shared_ptr<Events>& events);
  std::shared_ptr<Attempt> attempt();

  const std::string uri_;
  const std::optional<FarDaemon> far_;
  const std::shared_ptr<Events> events_;  // outlives us while an event is being delivered
  std::mutex mutex_;
  Link link_;
  std::shared_ptr<Attempt> attempt_;  // of those that wait for one
};

}  // namespace flyt::virt
