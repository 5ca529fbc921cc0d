#include "drivers/libvirt/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <thread>

#include "drivers/libvirt/errors.hpp"

namespace flyt::virt {
namespace {

constexpr int keepalive_seconds = 10;
constexpr unsigned keepalive_count = 3;
constexpr std::chrono::seconds look_again{1};

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

Connection::Connection(std::string uri)
    : uri_(std::move(uri)), events_(std::make_shared<Events>()) {}

Connection::~Connection() { close(); }

void Connection::close() {
  // It may be dead, and forget its callbacks without being asked.
  if (link_ && callback_ >= 0) (void)virConnectDomainEventDeregisterAny(link_.get(), callback_);
  callback_ = -1;
  link_.reset();
}

bool Connection::session() const { return uri_.find("/session") != std::string::npos; }

Result<Link> Connection::get(const Call& call) {
  FLYT_TRY(proceed(call, fmt::format("connecting to {}", uri_)));
  const std::lock_guard lock(opening_);
  if (!link_ || virConnectIsAlive(link_.get()) != 1) FLYT_TRY(open());
  return link_;
}

Status Connection::open() {
  EventLoop::require();
  close();
  virConnectPtr opened = virConnectOpen(uri_.c_str());
  if (opened == nullptr) return last_error(fmt::format("cannot connect to {}", uri_));
  link_ = Link(opened, [](virConnectPtr link) { (void)virConnectClose(link); });
  // Without keepalive or events, a dead daemon and a machine that ends are only noticed later.
  (void)virConnectSetKeepAlive(opened, keepalive_seconds, keepalive_count);
  using Held = std::shared_ptr<Events>;
  auto held = std::make_unique<Held>(events_);
  const auto changed = [](virConnectPtr, virDomainPtr, int, int, void* events) {
    (*static_cast<Held*>(events))->one_more();
  };
  const auto forget = [](void* events) { delete static_cast<Held*>(events); };
  callback_ =
      virConnectDomainEventRegisterAny(opened, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                       VIR_DOMAIN_EVENT_CALLBACK(+changed), held.get(), forget);
  if (callback_ >= 0) (void)held.release();  // libvirt's now
  return ok();
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
