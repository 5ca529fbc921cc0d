#include "tests/bench/vsphere.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "drivers/all.hpp"
#include "drivers/vsphere/machines.hpp"
#include "tests/bench/ends.hpp"
#include "tests/bench/engine.hpp"
#include "tests/bench/plain_client.hpp"
#include "tests/vsphere/vsphere_lab.hpp"

namespace flyt::bench {

namespace {

namespace fs = std::filesystem;
using tests::VsphereLab;

// Where the simulator gets no faster by larger pages.
constexpr int page_objects = 100;
// Of drivers/vsphere, where the site says nothing.
constexpr unsigned flyt_connections = 8;
// What one stream of an ESXi host gives: four of them gave 140 MiB/s on a link of 25 Gbit/s
// (pve-esxi-import-tools, measured by one of its users).
constexpr std::uint64_t stream_rate = 35 * mib;

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what + ": " + result.error().seen);
  return *std::move(result);
}

std::unique_ptr<VsphereLab> start_lab(std::string_view machines, std::vector<std::string> flags) {
  auto lab = VsphereLab::start(machines, std::move(flags));
  if (!lab && lab.error().code == Errc::unsupported) {
    fmt::print(stderr, "flyt_bench: the vSphere of tests/lab cannot be built here: left out\n");
    return nullptr;
  }
  return must(std::move(lab));
}

PlainServer plain(const VsphereLab& lab) {
  std::ifstream file(lab.password_file());
  std::string password;
  std::getline(file, password);
  return {lab.url(), lab.user(), password, lab.certificate()};
}

// The costs of one way to do it, in all rounds.
struct Way {
  std::vector<double> walls, cpus;
  void add(const Cost& cost) {
    walls.push_back(cost.wall);
    cpus.push_back(cost.cpu);
  }
  double wall() const { return median(walls); }
  double cpu() const { return median(cpus); }
};

class Vsphere {
 public:
  explicit Vsphere(const Wanted& bench) : bench_(bench), rounds_(bench.quick ? 1 : 3) {}

  void inventory() {
    for (const unsigned machines : {1000U, 10000U}) inventory_of(machines);
  }
  void ranges();

 private:
  void inventory_of(unsigned machines);
  void ranges_at(VsphereLab& lab, std::uint64_t rate);

  const Wanted& bench_;
  int rounds_;
};

void Vsphere::inventory_of(unsigned machines) {
  const unsigned made = bench_.quick ? machines / 10 : machines;
  // The generic inventory has two resource pools.
  const auto lab = start_lab({}, {"-vms", std::to_string(made / 2)});
  if (!lab) return;
  const EndpointConfig endpoint = lab->endpoint();
  const PlainServer server = plain(*lab);
  const std::vector<std::string> paths = vsphere::machine_properties().paths;
  Way ours, theirs;
  for (int round = 0; round < rounds_; ++round) {
    theirs.add(in_child([&] { return read_properties(server, paths, page_objects) > 0; }));
    ours.add(in_child([&] {
      const auto found = must(open_driver(endpoint, {}))->inventory({}, {});
      return found ? found->machines.size() == made : say(found.error());
    }));
  }
  bench_.out({fmt::format("vsphere_inventory_{}_vs_property_read", machines),
              ours.wall() / theirs.wall(), "x", "<= 1.2",
              fmt::format("flyt {:.2f} s, plain read {:.2f} s; client CPU {:.2f} s, {:.2f} s",
                          ours.wall(), theirs.wall(), ours.cpu(), theirs.cpu())});
}

// The one disk of the one machine, which is off.
struct SourceDisk {
  std::string machine, disk;  // as the driver knows them
  std::string url;            // of its flat file
  std::uint64_t size_bytes = 0;
};

SourceDisk only_disk(VsphereLab& lab) {
  const auto state = lab.control("GET", "/state").at("machines").at("big");
  const auto& disk = state.at("disks").at(0);
  return {state.at("moref"), std::to_string(disk.at("key").get<std::int64_t>()),
          lab.url() + "/folder/big/big-flat.vmdk?dcPath=DC0&dsName=LocalDS_0", disk.at("size")};
}

// Opened as the executor does it, copied and closed again.
bool copy_by_flyt(const EndpointConfig& endpoint, const SourceDisk& disk, const End& sink,
                  const fs::path& manifest) {
  const auto driver = must(open_driver(endpoint, {}));
  OpenSpec wanted;
  wanted.machine = disk.machine;
  wanted.disk = disk.disk;
  const auto source = must(driver->open(wanted, {}));
  Disk target(sink);
  CopyRequest request;
  request.source = source.get();
  request.target = &target;
  request.manifest = manifest;
  if (!copy_by_engine(request)) return false;
  const Status closed = source->close({});
  return closed ? true : say(closed.error());
}

// nbdkit's curl plugin as `arguments` make it, and nbdcopy.
bool copy_by_nbdkit(const std::vector<std::string>& arguments, const End& sink) {
  const End source = serve(arguments);
  of_program({"nbdcopy", "--flush", "--threads=4", "--connections=4", source.uri, sink.uri});
  return true;
}

// `rate`: bytes per second that the endpoint gives to each stream; 0: as fast as it can, and then
// nothing here has a goal, as all share two cores with it.
void Vsphere::ranges_at(VsphereLab& lab, std::uint64_t rate) {
  (void)lab.control("POST", "/options", {{"folderRate", rate}});
  const SourceDisk disk = only_disk(lab);
  const PlainServer server = plain(lab);
  const std::string cookie = session_cookie(server, disk.url);
  const std::vector<std::string> one = {"-r", "curl", "url=" + disk.url, "cookie=" + cookie,
                                        "cainfo=" + lab.certificate().string()};
  // Makes nbdcopy open its four connections, each of which is one of the plugin's to the endpoint,
  // as later versions of nbdkit do by themselves.
  std::vector<std::string> four = one;
  four.insert(four.begin(), "--filter=multi-conn");
  four.emplace_back("multi-conn-mode=unsafe");
  const fs::path manifest = lab.folder() / "manifest";
  const End sink = serve({"null", std::to_string(disk.size_bytes)});
  Way ours, by_one, by_four;
  std::map<unsigned, Way> plains;  // by connections
  for (int round = 0; round < rounds_; ++round) {
    by_one.add(in_this_process([&] { return copy_by_nbdkit(one, sink); }));
    by_four.add(in_this_process([&] { return copy_by_nbdkit(four, sink); }));
    fs::remove(manifest);
    ours.add(in_this_process([&] { return copy_by_flyt(lab.endpoint(), disk, sink, manifest); }));
    // Of a limit for each stream the more have the more: no more than flyt has.
    for (const unsigned connections : {2U, 4U, 8U, 16U}) {
      if (rate != 0 && connections > flyt_connections) continue;
      plains[connections].add(in_child([&] {
        read_ranges(server, {disk.url, cookie, disk.size_bytes, mib, connections});
        return true;
      }));
    }
  }
  const auto& [connections, best] = *std::min_element(
      plains.begin(), plains.end(),
      [](const auto& a, const auto& b) { return a.second.wall() < b.second.wall(); });
  const double gibs = static_cast<double>(disk.size_bytes) / static_cast<double>(gib);
  const auto row = [&](std::string name, const Way& peer, std::string goal, std::string_view who) {
    bench_.out({std::move(name) + (rate == 0 ? "_unlimited" : ""), peer.wall() / ours.wall(), "x",
                rate == 0 ? "" : std::move(goal),
                fmt::format("flyt {:.2f} s, {} {:.2f} s; client CPU s/GiB {:.2f}, {:.2f}",
                            ours.wall(), who, peer.wall(), ours.cpu() / gibs, peer.cpu() / gibs)});
  };
  row("vsphere_ranges_vs_nbdkit_curl", by_one, ">= 2.0", "nbdkit curl and nbdcopy");
  row("vsphere_ranges_vs_nbdkit_curl_4", by_four, "", "the same by 4 connections");
  row("vsphere_ranges_vs_plain_read", best, ">= 0.9", fmt::format("{} plain readers", connections));
}

void Vsphere::ranges() {
  const auto lab = start_lab(
      fmt::format(
          R"({{"machines":[{{"name":"big","disks":[{{"sizeMiB":{},"fillMiB":{},"seed":7}}]}}]}})",
          bench_.quick ? 128 : 1024, bench_.quick ? 80 : 640),
      {});
  if (!lab) return;
  ranges_at(*lab, stream_rate);
  ranges_at(*lab, 0);
}

}  // namespace

void run_vsphere(const Wanted& bench) {
  Vsphere all(bench);
  if (bench.part.empty() || bench.part == "inventory") all.inventory();
  if (bench.part.empty() || bench.part == "ranges") all.ranges();
}

}  // namespace flyt::bench
