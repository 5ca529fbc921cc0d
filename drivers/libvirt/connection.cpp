#include "drivers/libvirt/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

#include "base/uri.hpp"
#include "drivers/libvirt/attended.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/shared/landing_socket.hpp"

namespace flyt::virt {
namespace {

constexpr int keepalive_seconds = 10;
constexpr unsigned keepalive_count = 3;
constexpr std::chrono::seconds look_again{1};
constexpr std::chrono::seconds longest_way{60};  // for a socket that SSH is to carry
constexpr std::chrono::hours longest_wait{1};    // `now` and a call without an end would overflow

// libvirt's event loop, one for the process: keepalive and events need it.
class EventLoop {
 public:
  static void require() {
    static EventLoop loop;
    (void)loop;
  }

 private:
  EventLoop() {
    silence_errors();
    virEventRegisterDefaultImpl();
    timer_ = virEventAddTimeout(
        -1, [](int timer, void*) { virEventUpdateTimeout(timer, -1); }, nullptr, nullptr);
    thread_ = std::jthread([](const std::stop_token& stop) {
      while (!stop.stop_requested()) virEventRunDefaultImpl();
    });
  }
  ~EventLoop() {
    thread_.request_stop();
    virEventUpdateTimeout(timer_, 0);
    thread_.join();
    virEventRemoveTimeout(timer_);
  }

  int timer_ = -1;
  std::jthread thread_;
};

}  // namespace

Status still_connected(virConnectPtr link) {
  if (virConnectIsAlive(link) == 1) return ok();
  return Error{Errc::unavailable,
               "the connection to libvirt's daemon broke",
               "",
               "it ended, or was killed",
               "",
               {"systemctl status libvirtd"}};
}

struct Connection::Events {
  std::mutex mutex;
  std::condition_variable_any happened;
  std::uint64_t count = 0;

  void one_more() {
    const std::lock_guard lock(mutex);
    ++count;
    happened.notify_all();
  }
};

// One virConnectOpen in a thread of its own, with what came of it.
struct Connection::Attempt {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::optional<Result<Link>> result;
};

Connection::Connection(std::string uri, std::optional<FarDaemon> far)
    : uri_(std::move(uri)), far_(std::move(far)), events_(std::make_shared<Events>()) {}

bool Connection::session() const { return uri_.find("/session") != std::string::npos; }

Result<Link> Connection::get(const Call& call) {
  const std::string what = fmt::format("connecting to {}", uri_);
  FLYT_TRY(proceed(call, what));
  std::shared_ptr<Attempt> current;
  {
    const std::lock_guard lock(mutex_);
    if (link_ && virConnectIsAlive(link_.get()) == 1) return link_;
    if (!attempt_) attempt_ = attempt();
    current = attempt_;
  }
  const auto until = std::chrono::steady_clock::now() +
                     std::min<std::chrono::nanoseconds>(call.left(), longest_wait);
  std::unique_lock waiting(current->mutex);
  current->ended.wait_until(waiting, call.stop, until, [&] { return current->result.has_value(); });
  std::optional<Result<Link>> result = current->result;
  waiting.unlock();
  const std::lock_guard lock(mutex_);
  // Left behind or at its end: the next call begins anew.
  if (attempt_ == current) attempt_.reset();
  if (!result) {
    FLYT_TRY(proceed(call, what));
    return Error{Errc::timed_out, what};
  }
  if (!*result) return result->error();
  link_ = **result;
  return link_;
}

std::shared_ptr<Connection::Attempt> Connection::attempt() {
  EventLoop::require();
  auto shared = std::make_shared<Attempt>();
  // It holds all that it needs: this object may be gone before the daemon answers.
  std::thread([shared, uri = uri_, far = far_, events = events_] {
    Result<Link> opened = open(uri, far, events);
    const std::lock_guard lock(shared->mutex);
    shared->result = std::move(opened);
    shared->ended.notify_all();
  }).detach();
  return shared;
}

Result<Link> Connection::open(std::string uri, const std::optional<FarDaemon>& far,
                              const std::shared_ptr<Events>& events) {
  const std::string what = fmt::format("cannot connect to {}", uri);
  std::shared_ptr<LandingSocket> carried;
  if (far) {
    // Not libvirt's own way by ssh: that knows nothing of our options, and needs a program there.
    FLYT_ASSIGN(
        LandingSocket socket,
        within(what, LandingSocket::open(far->host, far->sockets, Call{}.within(longest_way))));
    carried = std::make_shared<LandingSocket>(std::move(socket));
    uri = fmt::format("qemu+unix:///system?socket={}", percent_encode(carried->path().native()));
  }
  virConnectPtr opened = virConnectOpen(uri.c_str());
  if (opened == nullptr) return last_error(what);
  // Without keepalive or events, a dead daemon and a machine that ends are only noticed later.
  (void)virConnectSetKeepAlive(opened, keepalive_seconds, keepalive_count);
  using Held = std::shared_ptr<Events>;
  auto held = std::make_unique<Held>(events);
  const auto changed = [](virConnectPtr, virDomainPtr, int, int, void* given) {
    (*static_cast<Held*>(given))->one_more();
  };
  const auto forget = [](void* given) { delete static_cast<Held*>(given); };
  const int callback =
      virConnectDomainEventRegisterAny(opened, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                       VIR_DOMAIN_EVENT_CALLBACK(+changed), held.get(), forget);
  if (callback >= 0) (void)held.release();  // libvirt's now
  return Link(opened, [callback, carried](virConnectPtr link) {
    // The daemon is told, and may not answer; left in that thread, it is still closed in the end.
    (void)attended("closing a connection", Call{}.within(std::chrono::seconds(0)),
                   [callback, link, carried]() -> Status {
                     // It may be dead, and forget its callbacks without being asked.
                     if (callback >= 0) (void)virConnectDomainEventDeregisterAny(link, callback);
                     (void)virConnectClose(link);
                     return ok();
                   });
  });
}

Status Connection::wait_until(const std::function<Result<bool>()>& holds, const Call& call,
                              std::string_view what) {
  for (;;) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(events_->mutex);
      seen = events_->count;
    }
    FLYT_ASSIGN(const bool done, holds());
    if (done) return ok();
    FLYT_TRY(proceed(call, what));
    std::unique_lock lock(events_->mutex);
    const auto next = std::chrono::steady_clock::now() +
                      std::min<std::chrono::nanoseconds>(call.left(), look_again);
    events_->happened.wait_until(lock, call.stop, next, [&] { return events_->count != seen; });
  }
}

}  // namespace flyt::virt
