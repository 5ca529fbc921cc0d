#include "drivers/vsphere/read_places.hpp"

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

const ReadPoint near_a{"host-1", "store-1"}, near_b{"host-1", "store-2"};
const ReadPoint far_a{"host-2", "store-1"}, far_b{"host-2", "store-2"};

// A thread that asks for a place and, once it has one, holds it until it is told to go.
class Reader {
 public:
  Reader(ReadPlaces& places, const ReadPoint& point)
      : thread_([this, &places, point](const std::stop_token& stop) {
          auto place = places.take(point, "web01", {stop});
          has_it_.set_value(place ? "ok" : std::string(to_string(place.error().code)));
          if (place) go_.get_future().wait();
        }) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    thread_.request_stop();
    if (thread_.joinable()) go();
  }

  // "ok", or why it has none; waits for that.
  std::string told() { return told_.get(); }
  void stop() { thread_.request_stop(); }
  void go() {
    go_.set_value();
    thread_.join();
  }

 private:
  std::promise<std::string> has_it_;
  std::promise<void> go_;
  std::shared_future<std::string> told_ = has_it_.get_future().share();
  std::jthread thread_;  // last: uses the others
};

// Waits until so many wait.
void until_waiting(const ReadPlaces& places, std::size_t count) {
  const Call patience = Call{}.within(std::chrono::minutes(2));
  while (places.waiting() != count && proceed(patience, "")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE(places.waiting() == count);
}

TEST_CASE("so many disks are read at once from one host and from one datastore",
          "[vsphere][tsan]") {
  ReadPlaces places({2, 3});
  Reader one(places, near_a), two(places, near_b);
  CHECK(one.told() == "ok");
  CHECK(two.told() == "ok");
  Reader full_host(places, near_a);
  until_waiting(places, 1);
  Reader other_host(places, far_b);
  CHECK(other_host.told() == "ok");
  CHECK(places.waiting() == 1);
  one.go();
  CHECK(full_host.told() == "ok");
  // The datastore is full, the hosts are not.
  ReadPlaces narrow({2, 1});
  Reader first(narrow, near_a), second(narrow, far_a);
  until_waiting(narrow, 1);
}

TEST_CASE("what is not known of a point is not counted", "[vsphere]") {
  ReadPlaces places({1, 1});
  Reader one(places, {"", "store-1"}), two(places, {"host-1", ""}), three(places, {});
  CHECK(one.told() == "ok");
  CHECK(two.told() == "ok");
  CHECK(three.told() == "ok");
}

TEST_CASE("who asks first is served first", "[vsphere][tsan]") {
  ReadPlaces places({1, 8});
  auto holder = std::make_unique<Reader>(places, near_a);
  REQUIRE(holder->told() == "ok");
  std::array<std::unique_ptr<Reader>, 3> queue;
  for (std::size_t i = 0; i != queue.size(); ++i) {
    queue.at(i) = std::make_unique<Reader>(places, near_a);
    until_waiting(places, i + 1);
  }
  for (std::size_t i = 0; i != queue.size(); ++i) {
    (i == 0 ? holder : queue.at(i - 1))->go();
    CHECK(queue.at(i)->told() == "ok");
    CHECK(places.waiting() == queue.size() - i - 1);
  }
}

TEST_CASE("a later one passes only where it takes nothing from an earlier one", "[vsphere][tsan]") {
  // store-1 has two places, one is taken; host-1 is full.
  ReadPlaces places({1, 2});
  Reader holder(places, near_a);
  REQUIRE(holder.told() == "ok");
  Reader waits_for_host(places, near_a);
  until_waiting(places, 1);
  // The place left at store-1 is for the one that waits for host-1.
  Reader waits_behind(places, far_a);
  until_waiting(places, 2);
  Reader elsewhere(places, {"host-3", "store-2"});
  CHECK(elsewhere.told() == "ok");
  holder.go();
  CHECK(waits_for_host.told() == "ok");
  CHECK(waits_behind.told() == "ok");
}

TEST_CASE("a wait can be stopped, and those behind it go on", "[vsphere][tsan]") {
  ReadPlaces places({1, 2});
  Reader holder(places, near_a);
  REQUIRE(holder.told() == "ok");
  Reader gives_up(places, near_a);
  until_waiting(places, 1);
  Reader behind(places, far_a);
  until_waiting(places, 2);
  gives_up.stop();
  CHECK(gives_up.told() == "cancelled");
  CHECK(behind.told() == "ok");
  Error late;
  std::thread([&] {
    const auto place =
        places.take(near_a, "web01: Hard disk 1", Call{}.within(std::chrono::milliseconds(10)));
    if (!place) late = place.error();
  }).join();
  CHECK(late.code == Errc::timed_out);
  CHECK(late.what.find("web01: Hard disk 1: waiting") == 0);
  CHECK(places.waiting() == 0);
}

struct Notes : ProgressSink {
  void note(std::string_view words) override { text.append(words).append("\n"); }
  std::string text;
};

TEST_CASE("a place says whether it was waited for, and where it is", "[vsphere]") {
  ReadPlaces places({1, 1});
  CHECK_FALSE(ReadPlaces::Place().is_at({}));
  auto holder = std::make_unique<Reader>(places, near_a);
  REQUIRE(holder->told() == "ok");
  bool waited = false, there = false, elsewhere = true;
  Notes notes;
  std::thread waiter([&] {
    const auto place = places.take(near_a, "web01", {}, &notes);
    waited = place->had_to_wait();
    there = place->is_at(near_a);
    elsewhere = place->is_at(near_b);
  });
  until_waiting(places, 1);
  holder->go();
  waiter.join();
  CHECK(waited);
  CHECK(there);
  CHECK_FALSE(elsewhere);
  CHECK(notes.text == "waiting until fewer disks are read at once\n");
  std::thread([&] { waited = places.take(near_a, "web01", {}, &notes)->had_to_wait(); }).join();
  CHECK_FALSE(waited);
  CHECK(notes.text == "waiting until fewer disks are read at once\n");
}

TEST_CASE("whoever holds a place never waits for another", "[vsphere][tsan]") {
  // Each holds what the other asks for.
  ReadPlaces places({1, 1});
  std::promise<void> a_has, b_has;
  bool a_went_on = false, b_went_on = false;
  std::thread a([&] {
    const auto first = places.take(near_a, "a", {});
    a_has.set_value();
    b_has.get_future().wait();
    a_went_on = places.take(far_b, "a", {}).has_value();
  });
  std::thread b([&] {
    const auto first = places.take(far_b, "b", {});
    b_has.set_value();
    a_has.get_future().wait();
    b_went_on = places.take(near_a, "b", {}).has_value();
  });
  a.join();
  b.join();
  CHECK(a_went_on);
  CHECK(b_went_on);
  // What was beyond the limit counts for everybody else until it is given back.
  std::promise<void> both, go;
  std::thread c([&] {
    auto first = *places.take(near_a, "c", {});
    const auto second = *places.take(near_a, "c", {});
    first = {};
    both.set_value();
    go.get_future().wait();
  });
  both.get_future().wait();
  Reader waits(places, near_a);
  until_waiting(places, 1);
  go.set_value();
  c.join();
  CHECK(waits.told() == "ok");
}

TEST_CASE("the limits hold in a storm", "[vsphere][tsan]") {
  constexpr unsigned per_host = 2, per_datastore = 3;
  ReadPlaces places({per_host, per_datastore});
  std::map<std::string, std::atomic<unsigned>> now;
  for (const char* name : {"host-1", "host-2", "store-1", "store-2"}) now[name] = 0;
  std::atomic<unsigned> broken{0}, served{0};
  const std::array points{near_a, near_b, far_a, far_b};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t != 12; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i != 200; ++i) {
          const ReadPoint& point = points.at((t + i * 3) % points.size());
          const auto place = places.take(point, "web01", {});
          if (++now.at(point.host) > per_host) ++broken;
          if (++now.at(point.datastore) > per_datastore) ++broken;
          std::this_thread::yield();
          --now.at(point.host);
          --now.at(point.datastore);
          ++served;
        }
      });
    }
  }
  CHECK(broken == 0);
  CHECK(served == 12 * 200);
}

class Closing final : public Channel {
 public:
  explicit Closing(unsigned failures) : failures_(failures) {}
  const ChannelInfo& info() const override { return info_; }
  Status close(const Call&) override {
    if (failures_ == 0) return ok();
    --failures_;
    return Error{Errc::timed_out, "not yet"};
  }

 private:
  ChannelInfo info_{"nbd+unix:///?socket=x", 5};
  unsigned failures_;
};

TEST_CASE("a channel holds its place until it is closed or gone", "[vsphere]") {
  ReadPlaces places({1, 1});
  auto channel = with_place(std::make_unique<Closing>(1), *places.take(near_a, "web01", {}));
  CHECK(channel->info().size_bytes == 5);
  Reader waits(places, near_a);
  until_waiting(places, 1);
  CHECK_FALSE(channel->close({}));  // the disk may still be read from
  CHECK(places.waiting() == 1);
  CHECK(channel->close({}));
  CHECK(waits.told() == "ok");
  CHECK(channel->close({}));
  waits.go();
  auto lost = with_place(std::make_unique<Closing>(0), *places.take(near_a, "web01", {}));
  Reader next(places, near_a);
  until_waiting(places, 1);
  lost.reset();
  CHECK(next.told() == "ok");
}

}  // namespace
}  // namespace flyt::vsphere
