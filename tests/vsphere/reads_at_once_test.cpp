// How many disks are read at once from one host and one datastore.
#include <fmt/format.h>

#include <future>
#include <thread>
#include <vector>

#include "base/units.hpp"
#include "movers/mover.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {
namespace {

// Four machines of one disk each, which are off: three on one host, one on another; all on one
// datastore.
constexpr std::string_view four_machines = R"({"machines":[
  {"name":"m0","host":"DC0_H0","disks":[{"sizeMiB":4,"fillMiB":4,"seed":1}]},
  {"name":"m1","host":"DC0_H0","disks":[{"sizeMiB":4,"fillMiB":4,"seed":2}]},
  {"name":"m2","host":"DC0_H0","disks":[{"sizeMiB":4,"fillMiB":4,"seed":3}]},
  {"name":"far","host":"DC0_C0_H0","disks":[{"sizeMiB":4,"fillMiB":4,"seed":4}]}]})";

OpenSpec only_disk(VsphereLab& lab, const std::string& machine) {
  const auto state = lab.control("GET", "/state?vm=" + machine);
  OpenSpec spec;
  spec.machine = state.at("moref");
  spec.disk = std::to_string(state.at("disks").at(0).at("key").get<std::int64_t>());
  return spec;
}

// Opens in a thread of its own, and holds the channel until it is told to go.
class Opener {
 public:
  Opener(Driver& driver, const OpenSpec& spec)
      : thread_([this, &driver, spec](const std::stop_token& stop) {
          auto channel = driver.open(spec, {stop});
          outcome_.set_value(told(channel));
          if (!channel) return;
          go_.get_future().wait();
          closed_ = told((*channel)->close(in_time()));
        }) {}
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;
  ~Opener() {
    if (thread_.joinable()) go();
  }

  std::string outcome() { return told_.get(); }
  std::string go() {
    thread_.request_stop();
    go_.set_value();
    thread_.join();
    return closed_;
  }

 private:
  std::promise<std::string> outcome_;
  std::promise<void> go_;
  std::shared_future<std::string> told_ = outcome_.get_future().share();
  std::string closed_;
  std::jthread thread_;  // last: uses the others
};

// What another thread, which holds nothing, gets within a second.
Error refused_in_a_second(Driver& driver, const OpenSpec& spec) {
  Error error;
  std::thread([&] {
    auto channel = driver.open(spec, in_time(std::chrono::seconds(1)));
    if (!channel) error = channel.error();
  }).join();
  return error;
}

// A driver with this limit of one disk.
std::unique_ptr<Driver> one_at_once(VsphereLab& lab, const char* limit,
                                    const std::string& transport = "auto") {
  EndpointConfig endpoint = lab.endpoint();
  endpoint.values[limit] = "1";
  endpoint.values["transport"] = transport;
  return connect(endpoint);
}

TEST_CASE("a disk waits until its host has a place", "[vsphere]") {
  FLYT_VSPHERE(lab, four_machines);
  const auto driver = one_at_once(lab, "max_reads_per_host");
  Opener first(*driver, only_disk(lab, "m0"));
  REQUIRE(first.outcome() == "ok");
  const Error waits = refused_in_a_second(*driver, only_disk(lab, "m1"));
  CHECK(waits.code == Errc::timed_out);
  CHECK(holds(waits.what, "waiting until fewer disks are read at once"));
  Opener other_host(*driver, only_disk(lab, "far"));
  CHECK(other_host.outcome() == "ok");
  Opener second(*driver, only_disk(lab, "m1"));
  CHECK(first.go() == "ok");
  CHECK(second.outcome() == "ok");
}

TEST_CASE("a disk waits until its datastore has a place", "[vsphere]") {
  FLYT_VSPHERE(lab, four_machines);
  const auto driver = one_at_once(lab, "max_reads_per_datastore", "nfc");
  Opener first(*driver, only_disk(lab, "m0"));
  REQUIRE(first.outcome() == "ok");
  CHECK(refused_in_a_second(*driver, only_disk(lab, "far")).code == Errc::timed_out);
  CHECK(lab.counter("leases.open") == 1);
  Opener second(*driver, only_disk(lab, "far"));
  CHECK(first.go() == "ok");
  CHECK(second.outcome() == "ok");
}

TEST_CASE("what has changed while a disk waited is seen", "[vsphere]") {
  FLYT_VSPHERE(lab, four_machines);
  const auto driver = one_at_once(lab, "max_reads_per_host");
  Opener first(*driver, only_disk(lab, "m0"));
  REQUIRE(first.outcome() == "ok");
  const auto asked = [&lab] { return lab.counter("soap.RetrievePropertiesEx"); };
  const std::int64_t before = asked();
  CHECK(refused_in_a_second(*driver, only_disk(lab, "m1")).code == Errc::timed_out);
  // So much is asked of a disk before it waits.
  const std::int64_t after = asked(), for_one = after - before;
  Opener second(*driver, only_disk(lab, "m1"));
  while (asked() < after + for_one) std::this_thread::yield();
  lab.control("POST", "/power", {{"vm", "m1"}, {"state", "poweredOn"}});
  CHECK(first.go() == "ok");
  CHECK(holds(second.outcome(), "is not off"));
}

TEST_CASE("machines that are read in parallel keep to the limit of their host", "[vsphere]") {
  // Slow enough for all of them to meet.
  FLYT_VSPHERE(lab, four_machines, {"-folder-rate", "8000000"});
  EndpointConfig endpoint = lab.endpoint();
  endpoint.values["max_reads_per_host"] = "2";
  endpoint.limits.connections = 1;
  const auto driver = connect(endpoint);
  const auto mover = make_mover();
  std::vector<std::string> outcomes(3);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i != outcomes.size(); ++i) {
      const OpenSpec spec = only_disk(lab, fmt::format("m{}", i));
      threads.emplace_back([&, i, spec] {
        auto channel = driver->open(spec, in_time());
        outcomes[i] = told(channel);
        if (!channel) return;
        outcomes[i] = told(mover->digest({.source = channel->get()}, in_time()));
        if (const Status closed = (*channel)->close(in_time()); !closed) outcomes[i] = told(closed);
      });
    }
  }
  for (const std::string& one : outcomes) CHECK(one == "ok");
  CHECK(lab.counter("folder.peakConcurrent") == 2);
  CHECK(lab.counter("folder.bytes") >= static_cast<std::int64_t>(outcomes.size() * 4 * mib));
}

TEST_CASE("a limit that is no number from 1 to 64 is refused", "[vsphere]") {
  EndpointConfig endpoint;
  endpoint.driver = "vsphere";
  endpoint.values = {{"url", "https://vcenter.example/"}, {"user", "flyt"}};
  endpoint.secrets["password"] = {SecretSource::Kind::env, "FLYT_SECRET"};
  for (const char* key : {"max_reads_per_host", "max_reads_per_datastore"}) {
    for (const char* wrong : {"0", "65", "-1", "4x", "many"}) {
      EndpointConfig config = endpoint;
      config.values[key] = wrong;
      CHECK(holds(refusal(open_driver(config, in_time()), Errc::invalid).what, key));
    }
    endpoint.values[key] = "64";
    CHECK(told(open_driver(endpoint, in_time())) == "ok");
  }
}

}  // namespace
}  // namespace flyt::tests
