#include "drivers/vsphere/read_places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace flyt::vsphere {
namespace {

using Clock = std::chrono::steady_clock;
// Some clocks overflow on times that lie centuries ahead.
constexpr std::chrono::hours look_again{24};
constexpr std::string_view waits_for = "waiting until fewer disks are read at once";

// How many there are at each point.
class Counts {
 public:
  void add(const ReadPoint& point) {
    if (!point.host.empty()) ++hosts_[point.host];
    if (!point.datastore.empty()) ++datastores_[point.datastore];
  }
  void remove(const ReadPoint& point) {
    if (!point.host.empty()) --hosts_[point.host];
    if (!point.datastore.empty()) --datastores_[point.datastore];
  }
  bool room_for(const ReadPoint& point, const ReadLimits& limits) const {
    return at(hosts_, point.host) < limits.per_host &&
           at(datastores_, point.datastore) < limits.per_datastore;
  }

 private:
  using Map = std::map<std::string, unsigned>;
  static unsigned at(const Map& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
  }
  Map hosts_, datastores_;
};

struct Waiter {
  ReadPoint point;
  bool served = false;
};

}  // namespace

struct ReadPlaces::State {
  explicit State(ReadLimits of) : limits(of) {}

  // REQUIRES: mutex held, as for serve().
  void give_back(const ReadPoint& point, std::thread::id who) {
    taken.remove(point);
    if (--holders[who] == 0) holders.erase(who);
    serve();
  }
  // Whoever is not served keeps a place of what is left for itself.
  void serve() {
    Counts before = taken;
    bool any = false;
    for (Waiter* waiter : queue) {
      if (!waiter->served && before.room_for(waiter->point, limits)) {
        waiter->served = any = true;
        taken.add(waiter->point);
      }
      before.add(waiter->point);
    }
    std::erase_if(queue, [](const Waiter* one) { return one->served; });
    if (any) changed.notify_all();
  }

  // Whether it had to wait. REQUIRES: `lock` holds the mutex.
  Result<bool> wait_in_queue(const ReadPoint& point, std::unique_lock<std::mutex>& lock,
                             std::string_view what, const Call& call, ProgressSink* progress) {
    Waiter waiter{point};
    queue.push_back(&waiter);
    serve();
    const bool at_once = waiter.served;
    const std::string waiting = fmt::format("{}: {}", what, waits_for);
    if (!at_once && progress != nullptr) {
      lock.unlock();
      progress->note(waits_for);
      lock.lock();
    }
    while (!waiter.served) {
      if (Status going = proceed(call, waiting); !going) {
        std::erase(queue, &waiter);
        serve();
        return std::move(going).error();
      }
      const auto until = std::min(call.deadline, Clock::now() + look_again);
      changed.wait_until(lock, call.stop, until, [&] { return waiter.served; });
    }
    return !at_once;
  }

  const ReadLimits limits;
  std::mutex mutex;
  std::condition_variable_any changed;
  Counts taken;
  std::map<std::thread::id, unsigned> holders;
  std::list<Waiter*> queue;  // in order, none of them served
};

struct ReadPlaces::Place::Held {
  Held(std::shared_ptr<State> of, ReadPoint at, bool waited)
      : state(std::move(of)), point(std::move(at)), had_to_wait(waited) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    const std::lock_guard lock(state->mutex);
    state->give_back(point, who);
  }

  const std::shared_ptr<State> state;
  const ReadPoint point;
  const bool had_to_wait;
  const std::thread::id who = std::this_thread::get_id();
};

bool ReadPlaces::Place::is_at(const ReadPoint& point) const {
  return held_ != nullptr && held_->point == point;
}

bool ReadPlaces::Place::had_to_wait() const { return held_ != nullptr && held_->had_to_wait; }

ReadPlaces::ReadPlaces(ReadLimits limits) : state_(std::make_shared<State>(limits)) {}

Result<ReadPlaces::Place> ReadPlaces::take(const ReadPoint& point, std::string_view what,
                                           const Call& call, ProgressSink* progress) {
  const auto me = std::this_thread::get_id();
  bool waited = false;
  {
    std::unique_lock lock(state_->mutex);
    FLYT_TRY(proceed(call, what));
    if (state_->holders.contains(me)) {
      state_->taken.add(point);
    } else {
      FLYT_ASSIGN(waited, state_->wait_in_queue(point, lock, what, call, progress));
    }
    ++state_->holders[me];
  }
  Place place;
  place.held_ = std::make_shared<Place::Held>(state_, point, waited);
  return place;
}

std::size_t ReadPlaces::waiting() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

namespace {

class PlacedChannel final : public Channel {
 public:
  PlacedChannel(std::unique_ptr<Channel> channel, ReadPlaces::Place place)
      : place_(std::move(place)), channel_(std::move(channel)) {}

  const ChannelInfo& info() const override { return channel_->info(); }
  Result<std::vector<Extent>> changed(std::uint64_t from, const Call& call) override {
    return channel_->changed(from, call);
  }
  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call) override {
    return channel_->next(buffer, call);
  }
  Status put(Extent extent, std::span<const std::byte> data, const Call& call) override {
    return channel_->put(extent, data, call);
  }
  Status flush(const Call& call) override { return channel_->flush(call); }
  Status close(const Call& call) override {
    FLYT_TRY(channel_->close(call));
    place_ = {};
    return ok();
  }

 private:
  ReadPlaces::Place place_;  // outlives the channel
  std::unique_ptr<Channel> channel_;
};

}  // namespace

std::unique_ptr<Channel> with_place(std::unique_ptr<Channel> channel, ReadPlaces::Place place) {
  return std::make_unique<PlacedChannel>(std::move(channel), std::move(place));
}

}  // namespace flyt::vsphere
