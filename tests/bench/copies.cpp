#include "tests/bench/copies.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "base/units.hpp"
#include "tests/bench/ends.hpp"
#include "tests/bench/engine.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::bench {

namespace {

namespace fs = std::filesystem;

void make_file(const fs::path& path, std::uint64_t size) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary).flush();
  fs::resize_file(path, size);
}

void fill(const fs::path& path, std::uint64_t offset, std::uint64_t length, std::uint64_t seed) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> words(mib / 8);
  for (std::uint64_t done = 0; done < length; done += mib) {
    for (auto& word : words) word = random();
    file.write(reinterpret_cast<const char*>(words.data()),
               static_cast<std::streamsize>(std::min(mib, length - done)));
  }
  if (!file.flush()) throw std::runtime_error("cannot fill " + path.string());
}

// Walls, and the costs of the last round, of the three who copy the same.
struct Contest {
  std::vector<double> ours, nbdcopy, qemu;
  Cost our_cost, nbdcopy_cost, qemu_cost;

  double best_peer() const { return std::min(median(nbdcopy), median(qemu)); }
  Row row(const std::string& name, const std::string& goal, double size_gib) const {
    return {
        name, best_peer() / median(ours), "x", goal,
        fmt::format("flyt {:.2f} s, nbdcopy {:.2f} s, qemu-img {:.2f} s; client CPU s/GiB {:.2f}, "
                    "{:.2f}, {:.2f}",
                    median(ours), median(nbdcopy), median(qemu), our_cost.cpu / size_gib,
                    nbdcopy_cost.cpu / size_gib, qemu_cost.cpu / size_gib)};
  }
};

class Copies {
 public:
  explicit Copies(const Wanted& bench)
      : bench_(bench), rounds_(bench.quick ? 1 : 3), manifest_(folder_ / "manifest") {}

  void run() {
    const std::pair<std::string_view, void (Copies::*)()> parts[] = {
        {"version", &Copies::version}, {"memory", &Copies::memory}, {"file", &Copies::files},
        {"link", &Copies::link},       {"sparse", &Copies::sparse}, {"rss", &Copies::eight},
        {"resume", &Copies::resume}};
    for (const auto& [name, part] : parts) {
      if (bench_.part.empty() || bench_.part == name) (this->*part)();
    }
    fs::remove_all(folder_.path());
  }

 private:
  std::uint64_t size(std::uint64_t bytes) const { return bench_.quick ? bytes / 8 : bytes; }
  static double gibs(std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(gib);
  }

  Cost engine(const End& source, const End& target, ViewNumber view, CopyMode mode) {
    return in_child([&] {
      Disk from(source), to(target);
      CopyRequest request;
      request.source = &from;
      request.target = &to;
      request.manifest = manifest_;
      request.view = view;
      request.mode = mode;
      return copy_by_engine(request);
    });
  }

  // `targets` makes a target as each copy should find it.
  Contest contest(const End& source, const std::function<End()>& targets) {
    Contest all;
    for (int round = 0; round < rounds_; ++round) {
      {
        const End target = targets();
        sync();
        all.nbdcopy_cost = of_program({"nbdcopy", "--flush", source.uri, target.uri});
        all.nbdcopy.push_back(all.nbdcopy_cost.wall);
      }
      {
        const End target = targets();
        sync();
        all.qemu_cost = of_program({"qemu-img", "convert", "-n", "-W", "-m", "16", "-t",
                                    "writeback", "-f", "raw", "-O", "raw", source.uri, target.uri});
        all.qemu.push_back(all.qemu_cost.wall);
      }
      const End target = targets();
      fs::remove(manifest_);
      sync();
      all.our_cost = engine(source, target, 1, CopyMode::full);
      all.ours.push_back(all.our_cost.wall);
    }
    return all;
  }

  void version() {
    const std::string program =
        (fs::read_symlink("/proc/self/exe").parent_path() / "flyt").string();
    std::vector<double> walls;
    walls.reserve(15);
    for (int i = 0; i < 15; ++i) walls.push_back(of_program({program, "--version"}).wall * 1000);
    bench_.out({"version_start_ms", median(walls), "ms", "", ""});
  }

  void memory() {
    const std::uint64_t bytes = size(2 * gib);
    make_file(folder_ / "source", bytes);
    fill(folder_ / "source", 0, bytes, 1);
    const End source = serve({"memory", std::to_string(bytes)});
    of_program({"nbdcopy", (folder_ / "source").string(), source.uri});
    const Contest all = contest(source, [&] { return serve({"memory", std::to_string(bytes)}); });
    bench_.out(all.row("copy_memory_vs_best_peer", ">= 0.95", gibs(bytes)));
  }

  void files();
  void link();
  void delta(const End& source, const End& target, double full_nbdcopy);
  void sparse();
  void eight();
  void resume();

  const Wanted& bench_;
  int rounds_;
  tests::TempDir folder_;
  fs::path manifest_;
};

void Copies::files() {
  const std::uint64_t bytes = size(4 * gib);
  const fs::path from = folder_ / "source", to = folder_ / "target";
  make_file(from, bytes);
  fill(from, 0, bytes, 2);
  make_file(to, bytes);
  fill(to, 0, bytes, 3);
  const End source = serve({"file", from.string()});
  const Contest all = contest(source, [&] { return serve({"file", to.string()}); });
  bench_.out(all.row("copy_file_vs_best_peer", ">= 1.0", gibs(bytes)));
  std::vector<double> reads;
  reads.reserve(static_cast<std::size_t>(rounds_));
  for (int round = 0; round < rounds_; ++round) {
    reads.push_back(of_program({"nbdcopy", source.uri, "null:"}).wall);
  }
  bench_.out({"copy_file_vs_plain_read", median(reads) / median(all.ours), "x", "",
              fmt::format("plain read {:.2f} s", median(reads))});
  delta(source, serve({"file", to.string()}), median(all.nbdcopy));
}

// The target is a synced copy of the source.
void Copies::delta(const End& source, const End& target, double full_nbdcopy) {
  std::vector<double> walls;
  walls.reserve(static_cast<std::size_t>(rounds_));
  ViewNumber view = 2;
  for (int round = 0; round < rounds_; ++round) {
    walls.push_back(engine(source, target, view++, CopyMode::digest).wall);
  }
  bench_.out({"delta_unchanged_vs_full", median(walls) / full_nbdcopy, "x", "<= 0.4",
              fmt::format("delta {:.2f} s, nbdcopy {:.2f} s", median(walls), full_nbdcopy)});
  std::uint64_t changed = 0;
  for (std::uint64_t at = 0; at < source.size_bytes; at += 100 * mib) {
    fill(folder_ / "source", at, mib, at + 7);
    changed += mib;
  }
  Disk from(source), to(target);
  CopyRequest request;
  request.source = &from;
  request.target = &to;
  request.manifest = manifest_;
  request.view = view;
  request.mode = CopyMode::digest;
  const auto report = make_mover()->copy(request, {});
  if (!report) throw std::runtime_error(report.error().what);
  bench_.out({"delta_sent_ratio",
              static_cast<double>(report->written_bytes + report->zeroed_bytes) /
                  static_cast<double>(changed),
              "x", "<= 1.1", ""});
}

// Memory to memory, so that only the link limits.
void Copies::link() {
  if (!Link::possible()) {
    fmt::print(stderr, "flyt_bench: a link needs root, ip and tc: left out\n");
    return;
  }
  const std::uint64_t bytes = size(gib);
  make_file(folder_ / "source", bytes);
  fill(folder_ / "source", 0, bytes, 4);
  const End source = serve({"memory", std::to_string(bytes)});
  of_program({"nbdcopy", (folder_ / "source").string(), source.uri});
  const Link link;
  const Contest all = contest(source, [&] {
    return link.serve({"memory", std::to_string(bytes)}, bytes);
  });
  bench_.out(all.row("copy_link_vs_best_peer", ">= 0.98", gibs(bytes)));
}

void Copies::sparse() {
  const std::uint64_t bytes = size(100 * gib), step = bytes / 512;
  const fs::path from = folder_ / "source", to = folder_ / "target";
  make_file(from, bytes);
  for (std::uint64_t i = 0; i < 512; ++i) fill(from, i * step, size(4 * mib), i);
  const End source = serve({"file", from.string()});
  const Contest all = contest(source, [&] {
    make_file(to, bytes);
    return serve({"file", to.string()});
  });
  bench_.out(all.row("copy_sparse_vs_best_peer", ">= 1.1", gibs(512 * size(4 * mib))));
  bench_.out({"rss_mib_sparse_disk", all.our_cost.peak_mib, "MiB", "", "peak of one sparse copy"});
}

// Eight copies at once in one process.
void Copies::eight() {
  const std::uint64_t bytes = size(gib);
  make_file(folder_ / "source", bytes);
  fill(folder_ / "source", 0, bytes, 5);
  const End source = serve({"file", (folder_ / "source").string()});
  std::vector<End> targets;
  targets.reserve(8);
  for (int i = 0; i < 8; ++i) targets.push_back(serve({"memory", std::to_string(bytes)}));
  const Cost cost = in_child([&] {
    const auto mover = make_mover();
    std::atomic<bool> good{true};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      threads.emplace_back([&, i] {
        Disk from(source), to(targets[i]);
        CopyRequest request;
        request.source = &from;
        request.target = &to;
        request.manifest = folder_ / ("manifest" + std::to_string(i));
        const auto report = mover->copy(request, {});
        if (!report) good = say(report.error());
      });
    }
    threads.clear();
    return good.load();
  });
  bench_.out({"rss_mib_8_disks", cost.peak_mib, "MiB", "<= 256", ""});
}

// Counts what is written in memory that outlives the process, which it kills at `kill_at`.
class KillAt : public ProgressSink {
 public:
  KillAt(std::atomic<std::uint64_t>& done, std::uint64_t kill_at)
      : done_(done), kill_at_(kill_at) {}
  void advance(std::uint64_t bytes) override {
    if ((done_ += bytes) >= kill_at_) kill(getpid(), SIGKILL);
  }

 private:
  std::atomic<std::uint64_t>& done_;
  std::uint64_t kill_at_;
};

// What a kill at half of the disk costs: written before it, and not kept.
void Copies::resume() {
  const std::uint64_t bytes = size(16 * gib);
  const fs::path to = folder_ / "target";
  make_file(to, bytes);
  fs::remove(manifest_);
  const End source = serve({"pattern", std::to_string(bytes)});
  void* shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* done = new (shared) std::atomic<std::uint64_t>(0);
  CopyRequest request;
  Disk from(source);
  request.source = &from;
  request.manifest = manifest_;
  {
    const End target = serve({"file", to.string()});
    Disk disk(target);
    KillAt half(*done, bytes / 2);
    request.target = &disk;
    request.progress = &half;
    try {
      in_child([&] { return make_mover()->copy(request, {}).has_value(); });
    } catch (const std::runtime_error&) {
      // It killed itself.
    }
  }
  const End target = serve({"file", to.string()});
  Disk disk(target);
  request.target = &disk;
  request.progress = nullptr;
  const auto report = make_mover()->copy(request, {});
  if (!report) throw std::runtime_error(report.error().what);
  const double resent = static_cast<double>(*done) - static_cast<double>(report->kept_bytes);
  bench_.out({"resume_resent_percent", 100 * resent / static_cast<double>(bytes), "%", "<= 2", ""});
  munmap(shared, 4096);
}

}  // namespace

void run_copies(const Wanted& bench) { Copies(bench).run(); }

}  // namespace flyt::bench
