// Reading disks by VDDK: the plugin is tests/vsphere/nbdkit_vddk.cpp, all else is real.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/uri.hpp"
#include "drivers/vsphere/vddk.hpp"
#include "tests/vsphere/lease_fixture.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

// `fast` is a flat file, `old` has a snapshot that is not ours.
constexpr const char* machines = R"({"machines":[
  {"name":"fast","powerState":"poweredOn","changeTracking":true,
   "disks":[{"sizeMiB":8,"fillMiB":3,"seed":1}]},
  {"name":"old","disks":[{"sizeMiB":4,"fillMiB":1,"seed":2}],"snapshots":[{"name":"before"}]}]})";

const Owner owner{"flyt-abcdefghijklmnopqrst", 1};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Words of /proc/PID/cmdline and of what VsphereLab's nbdkit has noted.
std::vector<std::string> words(const std::string& text, char end) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, end);) all.push_back(word);
  return all;
}

std::string value_of(const std::vector<std::string>& argv, const std::string& key) {
  for (const std::string& word : argv) {
    if (word.starts_with(key)) return word.substr(key.size());
  }
  return {};
}

class VddkSource : public LeaseSource {
 public:
  explicit VddkSource(VsphereLab& lab) : LeaseSource(lab), endpoint_(lab.endpoint_by_vddk()) {}

  const fs::path& folder() { return lab().folder().path(); }
  EndpointConfig endpoint(const std::string& transport) {
    EndpointConfig config = endpoint_;
    config.values["transport"] = transport;
    return config;
  }
  vsphere::VddkSetup setup() { return {folder() / "vddk", folder() / "nbdkit"}; }
  ViewSpec view(const std::string& name) { return {machine(name).value, "flyt-1", owner}; }
  // Of its first disk, in the view or as it is.
  OpenSpec opening(const std::string& name, const std::string& view) {
    OpenSpec spec;
    spec.machine = machine(name).value;
    spec.disk = this->spec(name, 0).disk_key;
    spec.view = view;
    spec.owner = owner;
    return spec;
  }
  vsphere::VddkSpec bare(const std::string& name, const std::string& file) {
    const auto lease = spec(name, 0);
    return {file, {lease.machine, {}, lease.disk_key, lease.size_bytes}, "", name};
  }
  std::vector<std::string> argv() { return words(content(folder() / "argv"), '\n'); }
  // Bytes that were read of the disk since the last call.
  std::uint64_t bytes_read() {
    std::ifstream file(folder() / "reads");
    std::uint64_t sum = 0, offset = 0, count = 0;
    while (file >> offset >> count) sum += count;
    fs::remove(folder() / "reads");
    return sum;
  }

 private:
  EndpointConfig endpoint_;
};

// By a client that knows nothing of flyt.
Result<Finished> copy(const Channel& channel, const fs::path& image) {
  return check({{"nbdcopy", channel.info().uri, image}}, in_time());
}

}  // namespace

TEST_CASE("VDDK reads the view of a machine that runs", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto driver = connect(source.endpoint("vddk"));
  const View view = take(driver->make_view(source.view("fast"), in_time()));
  lab.control("POST", "/random-writes",
              {{"vm", "fast"}, {"disk", 0}, {"count", 20}, {"size", 4096}, {"seed", 9}});
  auto channel = take(driver->open(source.opening("fast", "flyt-1"), in_time()));
  CHECK(channel->info().size_bytes == 8 * mib);
  const auto image = source.folder() / "fast.raw";
  REQUIRE(told(copy(*channel, image)) == "ok");
  CHECK(source.equal("fast", 0, image, source.state("fast").at("currentSnapshot")));
  CHECK_FALSE(source.equal("fast", 0, image));
  const std::uint64_t read = source.bytes_read();
  CHECK(read >= 3 * mib);  // what is written, and no more of it than whole chunks
  CHECK(read < 4 * mib);
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(lab.counter("sessions.open") == 1);  // VDDK's are over

  const auto argv = source.argv();
  const auto known = source.state("fast");
  CHECK(value_of(argv, "vm=") == "moref=" + known.at("moref").get<std::string>());
  CHECK(value_of(argv, "snapshot=") == known.at("currentSnapshot").get<std::string>());
  CHECK(holds(value_of(argv, "file="), "] fast/fast.vmdk"));
  CHECK(value_of(argv, "transports=") == "nbdssl");
  CHECK(value_of(argv, "libdir=") == (source.folder() / "vddk").native());
}

TEST_CASE("what changed between two views is known of disks that VDDK reads", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto driver = connect(source.endpoint("vddk"));
  const View first = take(driver->make_view(source.view("fast"), in_time()));
  lab.control("POST", "/write",
              {{"vm", "fast"}, {"disk", 0}, {"offset", 6 * mib + 100}, {"text", "new"}});
  REQUIRE(told(driver->drop_view(source.view("fast"), in_time())) == "ok");
  REQUIRE(told(driver->make_view(source.view("fast"), in_time())) == "ok");
  OpenSpec spec = source.opening("fast", "flyt-1");
  spec.since = first.disks.at(0).change_id;
  auto channel = take(driver->open(spec, in_time()));
  const auto changed = take(channel->changed(0, in_time()));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].offset == 6 * mib);
  CHECK(told(channel->close(in_time())) == "ok");
}

TEST_CASE("VDDK reads a machine that is off, without a snapshot of ours", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto driver = connect(source.endpoint("auto"));
  auto channel = take(driver->open(source.opening("old", ""), in_time()));
  const auto image = source.folder() / "old.raw";
  REQUIRE(told(copy(*channel, image)) == "ok");
  CHECK(source.equal("old", 0, image));
  CHECK(told(channel->close(in_time())) == "ok");
  CHECK(value_of(source.argv(), "snapshot=").empty());
  CHECK(holds(value_of(source.argv(), "file="), "old/old-000001.vmdk"));
  // A flat file is read in ranges, with the library or without.
  fs::remove(source.folder() / "argv");
  REQUIRE(told(driver->make_view(source.view("fast"), in_time())) == "ok");
  channel = take(driver->open(source.opening("fast", "flyt-1"), in_time()));
  CHECK_FALSE(fs::exists(source.folder() / "argv"));
  CHECK(told(channel->close(in_time())) == "ok");
}

TEST_CASE("the password reaches VDDK and nobody else", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const std::string secret = words(content(lab.password_file()), '\n').at(0);
  const auto driver = connect(source.endpoint("vddk"));
  const auto channel = take(driver->open(source.opening("old", ""), in_time()));
  CHECK_FALSE(holds(content(source.folder() / "argv"), secret));
  CHECK_FALSE(holds(content(source.folder() / "environment"), secret));
  const std::string file = value_of(source.argv(), "password=+");
  CHECK(file.starts_with("/proc/"));  // in memory
  CHECK_FALSE(fs::exists(file));      // and gone when it has been read
  // The process that serves, which has started itself again.
  const std::string socket = value_of(words(channel->info().uri, '?'), "socket=");
  bool found = false;
  for (const auto& one : fs::directory_iterator("/proc")) {
    const std::string line = content(one.path() / "cmdline");
    if (!holds(line, "reexeced_=") || !holds(line, percent_decode(socket).value_or(""))) {
      continue;
    }
    found = true;
    CHECK_FALSE(holds(line, secret));
  }
  CHECK(found);
}

TEST_CASE("what VDDK lacks is told with what to do", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  EndpointConfig endpoint = source.endpoint("vddk");
  const auto refused = [&](Errc code) {
    const auto driver = connect(endpoint);
    const Error error = refusal(driver->open(source.opening("old", ""), in_time()), code);
    const Inventory found = take(driver->inventory({"", "", true}, in_time()));
    // flyt check tells the same.
    const bool told = std::any_of(
        found.findings.begin(), found.findings.end(),
        [&error](const Finding& one) { return one.must && one.remedy == error.remedy; });
    CHECK(told);
    CHECK_FALSE(error.remedy.empty());
    return error.what + "; " + error.seen;
  };
  SECTION("there is no such folder") {
    endpoint.values["vddk_libdir"] = "nowhere";
    CHECK(holds(refused(Errc::not_found), "no such folder"));
  }
  SECTION("the folder has no library") {
    fs::remove_all(source.folder() / "vddk/lib64");
    CHECK(holds(refused(Errc::not_found), "nbdkit finds no VDDK there"));
  }
  SECTION("this nbdkit has no plugin") {
    endpoint.values["nbdkit"] = "nbdkit";
    CHECK(holds(refused(Errc::unsupported), "cannot open plugin 'vddk'"));
  }
  SECTION("there is no nbdkit") {
    endpoint.values["nbdkit"] = "./no-nbdkit";
    CHECK(holds(refused(Errc::unsupported), "no-nbdkit"));
  }
}

TEST_CASE("flyt check says which VDDK there is, and for how many disks", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto notes = [&](const EndpointConfig& endpoint) {
    const Inventory found = take(connect(endpoint)->inventory({"", "", true}, in_time()));
    std::string text;
    for (const std::string& note : found.notes) text += note + "\n";
    for (const Finding& one : found.findings) {
      CHECK_FALSE(holds(one.text, "vddk"));
    }
    return text;
  };
  const std::string with = notes(source.endpoint("auto"));
  INFO(with);
  CHECK(holds(with, "VDDK (it has snapshots) for 1 disk"));
  CHECK(holds(with, "HTTPS ranges (a flat file on "));
  CHECK(holds(with, fmt::format("VDDK 8 ({})",
                                (source.folder() / "vddk/lib64/libvixDiskLib.so.8").native())));
  CHECK(holds(notes(lab.endpoint()), "export leases (it has snapshots) for 1 disk"));
}

TEST_CASE("what only some disks would need is no failure of a check", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"fast","disks":[{"sizeMiB":1}]}]})");
  VddkSource source(lab);
  EndpointConfig endpoint = source.endpoint("auto");
  endpoint.values["vddk_libdir"] = "nowhere";
  const Inventory found = take(connect(endpoint)->inventory({"", "", true}, in_time()));
  const auto finding =
      std::find_if(found.findings.begin(), found.findings.end(),
                   [](const Finding& one) { return holds(one.text, "vddk_libdir"); });
  REQUIRE(finding != found.findings.end());
  CHECK_FALSE(finding->must);
}

TEST_CASE("a host that does not answer at VDDK's port is found", "[vsphere]") {
  FLYT_VSPHERE(lab, R"({"machines":[{"name":"web01","disks":[{"sizeMiB":1},{"sizeMiB":1}]}]})",
               {"-esx"});
  VddkSource source(lab);
  const auto ports = [&](const EndpointConfig& endpoint) {
    std::vector<Finding> all =
        take(connect(endpoint)->inventory({"", "", true}, in_time())).findings;
    std::erase_if(all, [](const Finding& one) { return !holds(one.text, "port 902"); });
    return all;
  };
  const auto found = ports(source.endpoint("vddk"));
  REQUIRE(found.size() == 1);
  CHECK(found[0].must);
  CHECK(holds(found[0].text, "port 902 of 127.0.0.1 does not answer (Connection refused); 2 of"));
  CHECK(found[0].remedy.back() == "nc -vz 127.0.0.1 902");
  CHECK(ports(lab.endpoint()).empty());  // no disk is read by VDDK

  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(902);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    FLYT_SKIP("only root may listen at port 902");
  }
  REQUIRE(::listen(listener.get(), 1) == 0);
  CHECK(ports(source.endpoint("vddk")).empty());
}

TEST_CASE("what VDDK says is told with what it means", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto driver = connect(source.endpoint("vddk"));
  SECTION("another password than ours") {
    const auto spec = source.opening("old", "");
    REQUIRE(told(driver->observe(spec.machine, in_time())) == "ok");  // logged in
    lab.control("POST", "/faults",
                {{"kind", "failMethod"}, {"method", "Login"}, {"fault", "InvalidLogin"}});
    const Error error = refusal(driver->open(spec, in_time()), Errc::unavailable);
    CHECK(holds(error.seen, "VixDiskLib_ConnectEx"));
    CHECK(holds(error.what, "Hard disk 1"));
  }
  SECTION("a disk in use") {
    // The driver would not have asked.
    const auto opened = vsphere::open_vddk(source.session(), source.setup(),
                                           source.bare("fast", "[x] fast/fast.vmdk"), in_time());
    const Error error = refusal(opened, Errc::unavailable);
    CHECK(holds(error.why, "another program"));
    CHECK(error.state == "the source was only read");
  }
  SECTION("a disk that is not there") {
    const auto opened = vsphere::open_vddk(source.session(), source.setup(),
                                           source.bare("old", "[x] old/new.vmdk"), in_time());
    CHECK(holds(refusal(opened, Errc::unavailable).seen, "was not found"));
  }
  SECTION("a disk of another size") {
    auto spec = source.bare("old", "[x] old/old-000001.vmdk");
    spec.disk.size_bytes = 5 * mib;
    check_refused(vsphere::open_vddk(source.session(), source.setup(), spec, in_time()),
                  Errc::corrupt);
  }
}

TEST_CASE("a server with another certificate gets no password through VDDK", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  EndpointConfig endpoint = source.endpoint("vddk");
  std::string& fingerprint = endpoint.values["fingerprint"];
  fingerprint[0] = fingerprint[0] == '0' ? '1' : '0';
  vsphere::Session session(server_of(endpoint));
  const auto opened = vsphere::open_vddk(session, source.setup(),
                                         source.bare("old", "[x] old/old-000001.vmdk"), in_time());
  check_refused(opened, Errc::denied);
  CHECK_FALSE(fs::exists(source.folder() / "argv"));  // nothing was started
}

TEST_CASE("a VDDK that ends early is told, and the next one reads on", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto driver = connect(source.endpoint("vddk"));
  const auto image = source.folder() / "old.raw";
  std::ofstream(source.folder() / "dies") << 256 * kib;
  auto channel = take(driver->open(source.opening("old", ""), in_time()));
  CHECK(code_of(copy(*channel, image)) != "ok");
  // Its socket is gone a moment before its status is there, so "too early" is not always known.
  CHECK(holds(refusal(channel->close(in_time()), Errc::unavailable).what, "with status 3"));
  fs::remove(source.folder() / "dies");
  channel = take(driver->open(source.opening("old", ""), in_time()));
  CHECK(told(copy(*channel, image)) == "ok");
  CHECK(source.equal("old", 0, image));
  CHECK(told(channel->close(in_time())) == "ok");
}

TEST_CASE("a channel that is stopped leaves no VDDK behind", "[vsphere]") {
  FLYT_VSPHERE(lab, machines);
  VddkSource source(lab);
  const auto driver = connect(source.endpoint("vddk"));
  REQUIRE(told(driver->observe(source.machine("old").value, in_time())) == "ok");
  lab.control("POST", "/faults",
              {{"kind", "slowMethod"}, {"method", "Login"}, {"delayMs", 600'000}});
  std::stop_source stop;
  std::jthread stopper([&] {
    (void)reaches(lab, "soap.Login", 2);  // VDDK's
    stop.request_stop();
  });
  Call call = in_time();
  call.stop = stop.get_token();
  check_refused(driver->open(source.opening("old", ""), call), Errc::cancelled);
  for (const auto& one : fs::directory_iterator("/proc")) {
    const std::string line = content(one.path() / "cmdline");
    if (holds(line, "libdir=" + (source.folder() / "vddk").native())) FAIL(line);
  }
}

}  // namespace flyt::tests
