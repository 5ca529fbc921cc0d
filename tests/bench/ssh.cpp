#include "tests/bench/ssh.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <vector>

#include "base/nbd_server.hpp"
#include "base/process.hpp"
#include "base/units.hpp"
#include "drivers/shared/landing.hpp"
#include "tests/bench/ends.hpp"
#include "tests/bench/engine.hpp"
#include "tests/ssh_host.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::bench {

namespace {

namespace fs = std::filesystem;

// What flyt puts first where nobody has chosen: the peers get the same.
constexpr const char* cipher = "aes128-gcm@openssh.com";

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what + ": " + result.error().seen);
  return *std::move(result);
}

class Carried {
 public:
  Carried(const Wanted& bench, const tests::SshHost& host)
      : bench_(bench),
        config_(host.config()),
        rounds_(bench.quick ? 1 : 3),
        bytes_(bench.quick ? gib / 8 : gib),
        disk_(folder_ / "disk.raw") {}

  void run() {
    must(check({{"dd", "if=/dev/urandom", "of=" + disk_.string(), "bs=1M",
                 fmt::format("count={}", bytes_ / mib)}},
               {}));
    std::vector<double> ours, reading, dd, tcp;
    for (int round = 0; round < rounds_; ++round) {
      dd.push_back(in_this_process([&] { return by_dd(); }).wall);
      tcp.push_back(in_this_process([&] { return by_tcp(); }).wall);
      ours.push_back(in_this_process([&] { return by_landing(); }).wall);
      reading.push_back(in_this_process([&] { return only_reading(); }).wall);
    }
    bench_.out(
        {"ssh_nbd_vs_ssh_dd", median(dd) / median(ours), "x", ">= 1.0",
         fmt::format("flyt {:.2f} s, ssh dd {:.2f} s; {}", median(ours), median(dd), cipher)});
    bench_.out({"ssh_read_vs_ssh_dd", median(dd) / median(reading), "x", "",
                fmt::format("reading and hashing alone {:.2f} s", median(reading))});
    bench_.out({"ssh_nbd_vs_tcp_nbd", median(tcp) / median(ours), "x", "",
                fmt::format("flyt by ssh {:.2f} s, by TCP {:.2f} s", median(ours), median(tcp))});
    fs::remove_all(folder_.path());
  }

 private:
  bool by_dd() {
    const auto done = must(flyt::run(
        {{"sh", "-c", "exec ssh \"$@\" >/dev/null", "sh", "-F", config_.string(), "-o",
          "BatchMode=yes", "-c", cipher, "root@far", "dd if=" + disk_.string() + " bs=1M"}},
        {}));
    return done.status == 0;
  }

  std::unique_ptr<Channel> open() {
    const LandingHost host = must(landing_host("ssh:root@far", config_));
    LandingDisk disk{"benchmark", disk_.string(), "raw", Use::read, {"flyt-benchmark", 1}};
    disk.size_bytes = bytes_;
    return must(open_landing(host, disk, {}));
  }

  bool by_landing() {
    const auto channel = open();
    return copy(*channel) && channel->close({}).has_value();
  }

  // By the manifest that the copy has left: nothing is written, as dd writes nothing.
  bool only_reading() {
    const auto channel = open();
    const auto report = make_mover()->read_back(
        {.target = channel.get(), .manifest = folder_ / "manifest", .length = bytes_}, {});
    if (!report) return say(report.error());
    return report->different_blocks == 0 && channel->close({}).has_value();
  }

  // The same server and the same reading without ssh.
  bool by_tcp() {
    auto server = must(Process::start(
        {{"qemu-nbd", "--read-only", "--persistent", "--shared=32", "--format=raw", "--cache=none",
          "--bind=127.0.0.1", fmt::format("--port={}", port), disk_.string()}}));
    const std::string uri = fmt::format("nbd://127.0.0.1:{}", port);
    for (int tries = 0; tries < 500; ++tries) {
      const auto asked = flyt::run({{"nbdinfo", "--size", uri}}, {});
      if (asked && asked->status == 0) {
        Disk disk(End{uri, bytes_});
        return copy(disk);
      }
      (void)wait(std::chrono::milliseconds(10), {}, "");  // nobody stops a benchmark
    }
    return false;
  }

  bool copy(Channel& source) {
    const End null = serve({"null", std::to_string(bytes_)});
    Disk to(null);
    CopyRequest request;
    request.source = &source;
    request.target = &to;
    request.manifest = folder_ / "manifest";
    fs::remove(request.manifest);
    return copy_by_engine(request);
  }

  static constexpr int port = 10819;

  const Wanted& bench_;
  const fs::path config_;
  int rounds_;
  std::uint64_t bytes_;
  tests::TempDir folder_;
  fs::path disk_;
};

}  // namespace

void run_ssh(const Wanted& bench) {
  const auto host = tests::SshHost::start();
  if (!host && host.error().code == Errc::unsupported) {
    fmt::print(stderr, "flyt_bench: no sshd of our own: left out: {}\n", host.error().seen);
    return;
  }
  if (!host) throw std::runtime_error(host.error().what + ": " + host.error().seen);
  Carried(bench, **host).run();
}

}  // namespace flyt::bench
