// Export leases that fail, in every way that the lab knows; and that nothing is left of them.
#include <thread>

#include "tests/vsphere/lease_fixture.hpp"

namespace flyt::tests {
namespace {

// Longer than what is on its way at any moment, so that there is a middle.
constexpr std::string_view machines =
    R"({"machines":[{"name":"web01","disks":[{"sizeMiB":64,"fillMiB":64,"seed":1}]}]})";

// The lab has nothing left of us, and a lease of its own for each that was opened.
void check_nothing_left(VsphereLab& lab, LeaseSource& source) {
  CHECK(lab.counter("leases.open") == 0);
  CHECK(lab.counter("lease.opened") == lab.counter("lease.completed") +
                                           lab.counter("lease.aborted") +
                                           lab.counter("lease.timedOut"));
  source.log_out();
  const auto differences = lab.differences();
  for (const std::string& one : differences) UNSCOPED_INFO(one);
  CHECK(differences.empty());
}

void check_whole(VsphereLab& lab, LeaseSource& source) {
  const auto image = lab.folder() / "again.raw";
  const auto channel = take(source.open("web01", 0));
  REQUIRE(told(save(*channel, image, in_time())) == "ok");
  REQUIRE(told(channel->close(in_time())) == "ok");
  CHECK(source.equal("web01", 0, image));
}

TEST_CASE("a connection that breaks anywhere is read anew from the beginning", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-nfc-format", "native"});
  LeaseSource source(lab);
  // Before the first byte, in the header, among the grains, before the footer.
  for (const std::int64_t bytes :
       {std::int64_t{0}, std::int64_t{100}, std::int64_t{20'000'000}, std::int64_t{67'000'000}}) {
    INFO(bytes);
    lab.control("POST", "/faults", {{"kind", "drop"}, {"target", "nfc"}, {"bytes", bytes}});
    const auto channel = source.open("web01", 0);
    const Status done =
        channel ? save(**channel, lab.folder() / "cut.raw", in_time()) : Status(channel.error());
    const Error error = refusal(done, Errc::unavailable);
    CHECK(holds(error.what, "web01: disk 0: "));
    CHECK(holds(error.seen, bytes == 0 ? "reading from 127.0.0.1" : "bytes from 127.0.0.1"));
    CHECK_FALSE(error.remedy.empty());
    CHECK_FALSE(holds(told(done), "/nfc/"));  // what would show the ticket
    CHECK(lab.counter("leases.open") == (channel ? 1 : 0));
    if (!channel) continue;
    std::vector<std::byte> buffer(static_cast<std::size_t>(mib));
    check_refused((*channel)->next(buffer, in_time()), Errc::unavailable);  // it repeats
    CHECK(told((*channel)->close(in_time())) == "ok");
    CHECK(told((*channel)->close(in_time())) == "ok");
  }
  check_whole(lab, source);
  check_nothing_left(lab, source);
}

TEST_CASE("what a host answers in place of a disk is an error by its meaning", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LeaseSource source(lab);
  const std::vector<std::pair<int, Errc>> answers{
      {503, Errc::unavailable}, {500, Errc::unavailable}, {404, Errc::unavailable},
      {401, Errc::unavailable}, {403, Errc::denied},      {405, Errc::unsupported}};
  for (const auto& [status, code] : answers) {
    INFO(status);
    lab.control("POST", "/faults", {{"kind", "status"}, {"target", "nfc"}, {"status", status}});
    const Error error = refusal(source.open("web01", 0), code);
    CHECK(holds(error.seen, fmt::format("HTTP {}", status)));
    CHECK((code != Errc::unavailable || !(error.why.empty() || error.remedy.empty())));
  }
  check_whole(lab, source);
  check_nothing_left(lab, source);
}

TEST_CASE("a machine that vSphere does not export says why", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LeaseSource source(lab);
  for (const char* fault : {"TaskInProgress", "FileLocked", "InvalidPowerState"}) {
    INFO(fault);
    lab.control("POST", "/faults",
                {{"kind", "failMethod"}, {"method", "ExportVm"}, {"fault", fault}});
    const Error error = refusal(source.open("web01", 0), Errc::unavailable);
    CHECK(holds(error.seen, fault));
    CHECK_FALSE(error.why.empty());
    CHECK_FALSE(error.remedy.empty());
  }
  lab.control("POST", "/faults",
              {{"kind", "failMethod"}, {"method", "ExportVm"}, {"fault", "NoPermission"}});
  check_refused(source.open("web01", 0), Errc::denied);
  check_nothing_left(lab, source);
}

TEST_CASE("a lease that ends in the middle is the reason that is given", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  LeaseSource source(lab);
  const bool with_session = GENERATE(false, true);
  const auto channel = take(source.open("web01", 0));  // has begun to read
  lab.control("POST", "/leases/expire");
  if (with_session) lab.control("POST", "/sessions/expire");
  const Status saved = save(*channel, lab.folder() / "cut.raw", in_time());
  const Error error = refusal(saved, Errc::unavailable);
  CHECK(holds(error.what, "the export lease has ended"));
  CHECK(holds(error.seen, "Timedout"));
  CHECK_FALSE(error.remedy.empty());
  CHECK(told(channel->close(in_time())) == "ok");
  check_whole(lab, source);
  check_nothing_left(lab, source);
}

TEST_CASE("a lease that ended behind our back spoils even a whole stream", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":2,"fillMiB":1}]}]})");
  LeaseSource source(lab);
  const auto channel = take(source.open("web01", 0));
  // The stream is short: it has come whole when the lease ends, and only completing it can tell.
  while (source.state("web01").at("disks").at(0).at("openNfc") != 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  lab.control("POST", "/leases/expire");
  const Status saved = save(*channel, lab.folder() / "web01.raw", in_time());
  CHECK(holds(refusal(saved, Errc::unavailable).what, "the export lease has ended"));
  CHECK(told(channel->close(in_time())) == "ok");
  check_nothing_left(lab, source);
}

TEST_CASE("a copy that is stopped leaves neither lease nor session", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-nfc-rate", "4000000"});
  LeaseSource source(lab);
  std::stop_source stop;
  const Call call{stop.get_token()};
  SECTION("before it began") {
    stop.request_stop();
    check_refused(source.open("web01", 0, call), Errc::cancelled);
    CHECK(lab.counter("lease.opened") == 0);
  }
  SECTION("in the middle, and closed") {
    const auto channel = take(source.open("web01", 0, call));
    std::vector<std::byte> buffer(static_cast<std::size_t>(mib));
    REQUIRE(told(channel->next(buffer, call)) == "ok");
    stop.request_stop();
    check_refused(save(*channel, lab.folder() / "cut.raw", call), Errc::cancelled);
    CHECK(told(channel->close(call)) == "ok");
    CHECK(lab.counter("lease.aborted") == 1);
  }
  SECTION("while it waits for the host") {
    const auto channel = take(source.open("web01", 0, call));
    const std::jthread stopper([&] {
      (void)reaches(lab, "nfc.bytes", static_cast<std::int64_t>(2 * mib));
      stop.request_stop();
    });
    check_refused(save(*channel, lab.folder() / "cut.raw", call), Errc::cancelled);
    CHECK(told(channel->close(call)) == "ok");
  }
  SECTION("in the middle, and never closed") {
    auto channel = take(source.open("web01", 0, call));
    channel.reset();
    CHECK(lab.counter("lease.aborted") == 1);
  }
  check_nothing_left(lab, source);
}

TEST_CASE("a stop while a lease is made leaves none behind", "[vsphere]") {
  FLYT_VSPHERE(lab, machines, {"-lease-delay", "5s"});
  LeaseSource source(lab);
  // At ExportVm itself, whose answer is late, and while the lease is not ready.
  const bool early = GENERATE(true, false);
  if (early) {
    lab.control("POST", "/faults",
                {{"kind", "slowMethod"}, {"method", "ExportVm"}, {"delayMs", 1000}});
  }
  const std::string sign = early ? "soap.ExportVm" : "lease.opened";
  std::stop_source stop;
  const std::jthread stopper([&] {
    (void)reaches(lab, sign);
    stop.request_stop();
  });
  check_refused(source.open("web01", 0, Call{stop.get_token()}), Errc::cancelled);
  CHECK(lab.counter("lease.opened") == 1);
  CHECK(lab.counter("lease.aborted") == 1);
  check_nothing_left(lab, source);
}

}  // namespace
}  // namespace flyt::tests
