// Disks read through export leases, byte by byte.
#include <cstring>
#include <thread>

#include "tests/vsphere/lease_fixture.hpp"

namespace flyt::tests {
namespace {

// Every kind of controller; noise, holes, a disk that is empty, one of an odd size.
constexpr std::string_view machines = R"({"machines":[
  {"name":"web01","firmware":"efi","disks":[
    {"sizeMiB":24,"fillMiB":9,"seed":1,"controller":"pvscsi"},
    {"sizeMiB":3,"fillMiB":3,"seed":2,"controller":"pvscsi","unit":10},
    {"sizeMiB":5,"fillMiB":1,"seed":3,"controller":"lsilogic","bus":1},
    {"sizeMiB":2,"fillMiB":1,"seed":4,"controller":"sata"},
    {"sizeMiB":2,"fillMiB":2,"seed":5,"controller":"nvme"},
    {"sizeMiB":40,"controller":"ide"}]},
  {"name":"db01","disks":[{"size":1049088,"fillMiB":1,"seed":6}]},
  {"name":"mail01","powerState":"poweredOn","disks":[
    {"sizeMiB":16,"fillMiB":8,"seed":7},
    {"sizeMiB":1,"mode":"independent_persistent","unit":1}]}]})";

TEST_CASE("all disks of several machines are read at once, each by a lease", "[vsphere]") {
  for (const char* format : {"qemu-img", "native"}) {
    INFO(format);
    FLYT_VSPHERE(lab, machines, {"-nfc-format", format});
    LeaseSource source(lab);
    struct Copy {
      std::string machine;
      std::size_t disk = 0;
      std::filesystem::path image;
      std::string failed = "not run";
    };
    std::vector<Copy> copies;
    for (std::size_t disk = 0; disk != 6; ++disk) copies.push_back({"web01", disk});
    copies.push_back({"db01", 0});
    std::vector<vsphere::LeaseSpec> specs;
    for (Copy& copy : copies) {
      copy.image = lab.folder() / fmt::format("{}-{}.raw", copy.machine, copy.disk);
      specs.push_back(source.spec(copy.machine, copy.disk));
    }
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i != copies.size(); ++i) {
        threads.emplace_back([&, i] {
          auto channel = vsphere::open_lease(source.session(), specs[i], in_time());
          copies[i].failed = told(channel);
          if (!channel) return;
          copies[i].failed = told(save(**channel, copies[i].image, in_time()));
          if (auto closed = (*channel)->close(in_time()); !closed) copies[i].failed = told(closed);
        });
      }
    }
    for (const Copy& copy : copies) {
      INFO(copy.machine << " disk " << copy.disk);
      CHECK(copy.failed == "ok");
      CHECK(source.equal(copy.machine, copy.disk, copy.image));
    }
    CHECK(lab.counter("lease.opened") == 7);
    CHECK(lab.counter("lease.completed") == 7);
    CHECK(lab.counter("leases.open") == 0);
    source.log_out();
    CHECK(lab.differences().empty());
  }
}

TEST_CASE("a running machine is exported through a snapshot only", "[vsphere]") {
  for (const char* format : {"qemu-img", "native"}) {
    INFO(format);
    FLYT_VSPHERE(lab, machines, {"-nfc-format", format});
    LeaseSource source(lab);
    const auto refused = source.open("mail01", 0);
    const Error error = refusal(refused, Errc::unavailable);
    CHECK(holds(error.what, "mail01: disk 0"));
    CHECK_FALSE(error.why.empty());
    CHECK_FALSE(error.remedy.empty());
    CHECK(lab.counter("lease.opened") == 0);

    const std::string snapshot = source.take_snapshot("mail01", "flyt-test");
    const auto channel =
        take(vsphere::open_lease(source.session(), source.spec("mail01", 0, snapshot), in_time()));
    lab.control("POST", "/random-writes",
                {{"vm", "mail01"}, {"disk", 0}, {"count", 200}, {"size", 65536}, {"seed", 9}});
    const auto image = lab.folder() / "mail01.raw";
    REQUIRE(told(save(*channel, image, in_time())) == "ok");
    CHECK(told(channel->close(in_time())) == "ok");
    CHECK(source.equal("mail01", 0, image, "flyt-test"));
    CHECK_FALSE(source.equal("mail01", 0, image));  // the writes were of this disk
    CHECK(lab.counter("lease.completed") == 1);
  }
}

TEST_CASE("a site may ask for export leases", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LeaseSource source(lab);
  EndpointConfig endpoint = lab.endpoint();
  endpoint.values["transport"] = "nfc";
  const auto driver = connect(endpoint);
  const Owner owner{"flyt-abcdefghijklmnopqrst", 1};
  ViewSpec view;
  view.machine = source.machine("mail01").value;
  view.name = "flyt-1";
  view.owner = owner;
  REQUIRE(told(driver->make_view(view, in_time())) == "ok");
  const auto image = lab.folder() / "disk.raw";
  OpenSpec spec;
  spec.machine = view.machine;
  spec.disk = source.spec("mail01", 0).disk_key;
  spec.view = view.name;
  spec.owner = owner;
  auto channel = take(driver->open(spec, in_time()));
  CHECK(channel->info().uri.empty());
  CHECK(channel->info().size_bytes == 16 * mib);
  REQUIRE(told(save(*channel, image, in_time())) == "ok");
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(source.equal("mail01", 0, image));
  REQUIRE(told(driver->drop_view(view, in_time())) == "ok");
  spec.machine = source.machine("db01").value;
  spec.disk = source.spec("db01", 0).disk_key;
  spec.view = {};
  channel = take(driver->open(spec, in_time()));
  REQUIRE(told(save(*channel, image, in_time())) == "ok");
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(source.equal("db01", 0, image));
  CHECK(lab.counter("lease.completed") == 2);
}

TEST_CASE("what an export cannot hold is refused before there is a lease", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LeaseSource source(lab);
  const std::string snapshot = source.take_snapshot("mail01", "flyt-test");
  auto spec = source.spec("mail01", 1, snapshot);
  CHECK(holds(refusal(open_lease(source.session(), spec, in_time()), Errc::unsupported).why,
              "independent"));
  spec.disk_key = "4711";
  check_refused(open_lease(source.session(), spec, in_time()), Errc::not_found);
  spec.snapshot.value = "snapshot-4711";
  check_refused(open_lease(source.session(), spec, in_time()), Errc::not_found);
  spec = source.spec("web01", 0);
  spec.machine.value = "vm-4711";
  check_refused(open_lease(source.session(), spec, in_time()), Errc::not_found);
  CHECK(lab.counter("lease.opened") == 0);
}

TEST_CASE("a lease of another size than the inventory's is corrupt, and given back", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LeaseSource source(lab);
  auto spec = source.spec("db01", 0);
  spec.size_bytes += 512;
  check_refused(open_lease(source.session(), spec, in_time()), Errc::corrupt);
  CHECK(lab.counter("lease.aborted") == 1);
  CHECK(lab.counter("leases.open") == 0);
}

TEST_CASE("a lease is renewed for as long as the disk is read", "[vsphere]") {
  // Seven seconds of reading, under a lease of three.
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":8,"fillMiB":7}]}]})",
               {"-lease-timeout", "3s", "-nfc-rate", "1048576"});
  LeaseSource source(lab);
  const auto image = lab.folder() / "web01.raw";
  const auto channel = take(source.open("web01", 0));
  REQUIRE(told(save(*channel, image, in_time())) == "ok");
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(source.equal("web01", 0, image));
  CHECK(lab.counter("lease.progress") >= 3);
  CHECK(lab.counter("lease.completed") == 1);
  CHECK(lab.counter("lease.timedOut") == 0);
}

TEST_CASE("a lease that cannot be renewed ends the stream", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":8,"fillMiB":7}]}]})",
               {"-lease-timeout", "3s", "-nfc-rate", "1048576"});
  LeaseSource source(lab);
  lab.control("POST", "/faults",
              {{"kind", "failMethod"},
               {"method", "HttpNfcLeaseProgress"},
               {"count", -1},
               {"fault", "HostCommunication"}});
  const auto channel = take(source.open("web01", 0));
  const Status saved = save(*channel, lab.folder() / "web01.raw", in_time());
  const Error error = refusal(saved, Errc::unavailable);
  CHECK(holds(error.what, "the export lease has ended"));
  CHECK_FALSE(error.remedy.empty());
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(lab.counter("lease.timedOut") == 1);
  CHECK(lab.counter("leases.open") == 0);
}

TEST_CASE("a session that ends does not end a lease that the server keeps", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":64,"fillMiB":64}]}]})");
  LeaseSource source(lab);
  const auto image = lab.folder() / "web01.raw";
  const auto channel = take(source.open("web01", 0));
  lab.control("POST", "/sessions/expire");
  REQUIRE(told(save(*channel, image, in_time())) == "ok");
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(source.equal("web01", 0, image));
  CHECK(lab.counter("lease.completed") == 1);
  source.log_out();
  CHECK(lab.differences().empty());
}

// Peak of our resident memory since the last reset, or what it is now.
std::uint64_t resident(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stoull(line.substr(std::strlen(field))) * kib;
  }
  return 0;
}

TEST_CASE("a disk that nobody takes does not fill our memory", "[vsphere]") {
  std::ofstream reset("/proc/self/clear_refs");
  if (!reset) FLYT_SKIP("the peak of our memory cannot be reset");
  // Noise, so that the stream is as long as the disk.
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":256,"fillMiB":256}]}]})",
               {"-nfc-format", "native"});
  LeaseSource source(lab);
  reset << 5 << std::flush;
  const std::uint64_t before = resident("VmRSS:");
  const auto channel = take(source.open("web01", 0));
  // The pipe is full, and what the kernel takes for us.
  REQUIRE(reaches(lab, "nfc.bytes", static_cast<std::int64_t>(4 * mib)));
  const auto image = lab.folder() / "web01.raw";
  REQUIRE(told(save(*channel, image, in_time())) == "ok");
  CHECK(resident("VmHWM:") - before < 32 * mib);
  CHECK(source.equal("web01", 0, image));
}

}  // namespace
}  // namespace flyt::tests
