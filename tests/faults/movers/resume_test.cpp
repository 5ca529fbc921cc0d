#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <stop_token>

#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;

void check_resumed(Pair& pair, const Result<CopyReport>& report) {
  INFO((report ? std::string() : report.error().what + ": " + report.error().seen));
  REQUIRE(report);
  CHECK(pair.equal());
  CHECK(report->root == root_of(content(pair.source)));
  CHECK_FALSE(report->distrusted);
}

// Calls `then` once so many bytes are done.
class At : public ProgressSink {
 public:
  At(std::uint64_t bytes, std::function<void()> then) : left_(bytes), then_(std::move(then)) {}
  void advance(std::uint64_t bytes) override {
    const std::uint64_t before = left_.fetch_sub(bytes);
    if (before > 0 && before <= bytes) then_();
  }

 private:
  std::atomic<std::uint64_t> left_;
  std::function<void()> then_;
};

struct Served {
  explicit Served(Pair& pair, const std::vector<std::string>& source = {},
                  const std::vector<std::string>& target = {})
      : from(pair.source, source), to(pair.target, target) {
    request.source = &from.channel;
    request.target = &to.channel;
    request.manifest = pair.manifest;
  }
  FileDisk from, to;
  CopyRequest request;
};

struct FullPair : Pair {
  explicit FullPair(std::uint64_t bytes) : Pair(bytes) { put(source, 0, noise(bytes, bytes)); }
};

}  // namespace

TEST_CASE("A server that dies in mid-copy loses nothing that was proven", "[tsan]") {
  FullPair pair(200 * mib);
  const bool target = GENERATE(true, false);
  {
    Served served(pair);
    At half(120 * mib, [&] { kill((target ? served.to : served.from).server.pid(), SIGKILL); });
    served.request.progress = &half;
    const auto broken = make_mover()->copy(served.request, {});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::unavailable);
    CHECK_FALSE(broken.error().state.empty());
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  if (!target) CHECK(report->kept_bytes >= 110 * mib);  // the target could still be flushed
  CHECK(report->kept_bytes + report->written_bytes == 200 * mib);
}

TEST_CASE("A stop leaves a manifest with all that was written", "[tsan]") {
  FullPair pair(150 * mib);
  {
    Served served(pair);
    std::stop_source stop;
    At half(70 * mib, [&] { stop.request_stop(); });
    served.request.progress = &half;
    const auto stopped = make_mover()->copy(served.request, {stop.get_token()});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == Errc::cancelled);
    CHECK_FALSE(stopped.error().state.empty());
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK(report->kept_bytes >= 68 * mib);
  CHECK(report->kept_bytes + report->written_bytes == 150 * mib);
}

TEST_CASE("A call that is stopped already writes nothing") {
  FullPair pair(3 * mib);
  Served served(pair);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = make_mover()->copy(served.request, {stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
  CHECK(content(pair.target) == std::string(3 * mib, '\0'));
}

TEST_CASE("A copy goes on after kill -9 at any point", "[kill]") {
  FullPair pair(160 * mib);
  put(pair.target, 0, noise(160 * mib, 4));
  for (const std::uint64_t records : {0, 30, 60}) {
    Served served(pair);  // anew: nbdkit does not always outlive a client that was killed
    served.request.tuning.source_rate = std::make_shared<RateLimit>(128 * mib);
    const pid_t child = fork();
    if (child == 0) {
      (void)make_mover()->copy(served.request, {});
      _exit(0);
    }
    // Until so much is recorded, or the child has done all.
    std::error_code error;
    pid_t ended = 0;
    while (ended == 0 &&
           (std::filesystem::file_size(pair.manifest, error) < 64 * (1 + records) || error)) {
      ended = waitpid(child, nullptr, WNOHANG);
    }
    kill(child, SIGKILL);
    if (ended == 0) REQUIRE(waitpid(child, nullptr, 0) == child);
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK(report->kept_bytes >= 60 * mib);
  CHECK(report->kept_bytes + report->written_bytes == 160 * mib);
}

TEST_CASE("A delta killed between write and record leaves no old digest for new bytes", "[kill]") {
  FullPair pair(60 * mib);
  const std::string old = content(pair.source);
  REQUIRE(pair.copy());
  put(pair.source, 0, noise(60 * mib, 77));
  const CopyMode mode = GENERATE(CopyMode::digest, CopyMode::tracked);
  {
    Served served(pair);
    served.from.channel.changes_ = {Extent{0, 60 * mib, false}};
    served.request.view = 2;
    served.request.mode = mode;
    served.request.base = 1;
    const pid_t child = fork();
    if (child == 0) {
      At here(20 * mib, [] { kill(getpid(), SIGKILL); });
      served.request.progress = &here;
      (void)make_mover()->copy(served.request, {});
      _exit(0);
    }
    REQUIRE(waitpid(child, nullptr, 0) == child);
  }
  // The source goes back to what the first view had: digests that were wrongly kept would match.
  put(pair.source, 0, old);
  const auto report = pair.copy({.view = 3, .mode = CopyMode::digest});
  check_resumed(pair, report);
  CHECK(report->written_bytes > 0);
}

TEST_CASE("A read error in the middle keeps what was copied") {
  FullPair pair(100 * mib);
  {
    ScriptedDisk from(pair.source,
                      {"pread=if [ $4 -ge 83886080 ]; then echo EIO bad sector >&2; exit 1; fi; dd "
                       "if=\"$disk\" bs=1M skip=$4 count=$3 iflag=skip_bytes,count_bytes,fullblock "
                       "status=none"});
    Served served(pair);
    served.request.source = &from.channel;
    const auto broken = make_mover()->copy(served.request, {});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::unavailable);
    CHECK(broken.error().what.find("source") != std::string::npos);
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK(report->kept_bytes == 80 * mib);
}

TEST_CASE("A full target says so and keeps what is proven") {
  FullPair pair(100 * mib);
  {
    Served served(pair);
    ScriptedDisk to(pair.target, {writes_then_full(60)});
    served.request.target = &to.channel;
    const auto broken = make_mover()->copy(served.request, {});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::unavailable);
    CHECK_FALSE(broken.error().remedy.empty());
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK(report->kept_bytes >= 32 * mib);
}

TEST_CASE("A failed flush voids all since the last good one, and is not tried again") {
  FullPair pair(100 * mib);
  const int good = GENERATE(0, 1);
  {
    Served served(pair);
    ScriptedDisk to(pair.target, {"flush=echo >> \"$disk.flushes\"; if [ $(wc -l < "
                                  "\"$disk.flushes\") -gt " +
                                  std::to_string(good) + " ]; then echo EIO lost >&2; exit 1; fi"});
    served.request.target = &to.channel;
    const auto broken = make_mover()->copy(served.request, {});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::unavailable);
    CHECK(broken.error().what.find("flush") != std::string::npos);
    CHECK(content(pair.target.string() + ".flushes").size() == static_cast<std::size_t>(good) + 1);
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK((report->kept_bytes == 0) == (good == 0));
}

TEST_CASE("A server that lies about its size fails the copy") {
  FullPair pair(5 * mib);
  Served served(pair);
  SECTION("a source that is shorter than the platform says") {
    std::filesystem::resize_file(pair.target, 8 * mib);
    FileDisk larger(pair.target);
    served.request.target = &larger.channel;
    served.from.channel.info_.size_bytes = 6 * mib;
    CHECK(make_mover()->copy(served.request, {}).error().code == Errc::corrupt);
  }
  SECTION("a target that is shorter than it says") {
    ScriptedDisk to(pair.target,
                    {"pwrite=if [ $(($3 + $4)) -gt 3145728 ]; then echo ENOSPC end >&2; "
                     "exit 1; fi"});
    served.request.target = &to.channel;
    CHECK(make_mover()->copy(served.request, {}).error().code == Errc::unavailable);
  }
  SECTION("a target that keeps nothing") {
    ScriptedDisk to(pair.target, {"pwrite=cat > /dev/null"});
    served.request.target = &to.channel;
    REQUIRE(make_mover()->copy(served.request, {}));
    const auto back = pair.read_back();
    REQUIRE(back);
    CHECK(back->different_blocks == 5);
  }
}

TEST_CASE("A target without flush or without writes is refused") {
  FullPair pair(mib);
  Served served(pair);
  SECTION("flush") {
    ScriptedDisk to(pair.target, {"can_flush=exit 3"});
    served.request.target = &to.channel;
    CHECK(make_mover()->copy(served.request, {}).error().code == Errc::unsupported);
  }
  SECTION("read-only") {
    FileDisk to(pair.target, {"-r"});
    served.request.target = &to.channel;
    CHECK(make_mover()->copy(served.request, {}).error().code == Errc::denied);
  }
  CHECK(content(pair.target) == std::string(mib, '\0'));
}

TEST_CASE("A server that is not there is unavailable") {
  FullPair pair(mib);
  Served served(pair);
  (GENERATE(true, false) ? served.from : served.to).server.end(SIGKILL);
  CHECK(make_mover()->copy(served.request, {}).error().code == Errc::unavailable);
}

TEST_CASE("A server that does not answer is given up at the deadline") {
  FullPair pair(4 * mib);
  Served served(pair, {"--filter=delay"}, {});
  kill(served.to.server.pid(), SIGSTOP);
  const Call call{{}, std::chrono::steady_clock::now() + std::chrono::milliseconds(300)};
  CHECK(make_mover()->copy(served.request, call).error().code == Errc::timed_out);
}

TEST_CASE("Over 2 TiB, sparse, with data at both ends", "[tsan]") {
  const std::string size = std::to_string(3ULL << 40);
  const auto source = ServedDisk::nbdkit(
      {"data", "data=\"begin\" @2748779069440 \"far behind\" @3298534883300 \"the end\"",
       "size=" + size});
  const auto target = ServedDisk::nbdkit({"memory", size});
  UriChannel from(source.uri(), 3ULL << 40), to(target.uri(), 3ULL << 40);
  TempDir folder;
  CopyRequest request;
  request.source = &from;
  request.target = &to;
  request.manifest = folder / "manifest";
  const auto report = make_mover()->copy(request, {});
  REQUIRE(report);
  CHECK(report->written_bytes == 3 * mib);
  CHECK(std::filesystem::file_size(request.manifest) <= 10 * 64);
  CHECK(*make_mover()->digest({&from}, {}) == report->root);
  const auto back = make_mover()->read_back({&to, request.manifest, 3ULL << 40}, {});
  REQUIRE(back);
  CHECK(back->read_root == report->root);
  CHECK(back->blocks == (3ULL << 20));
}

TEST_CASE("qemu-nbd is served, with one connection and with several") {
  if (!has_program("qemu-nbd")) FLYT_SKIP("no qemu-nbd");
  Pair pair(30 * mib + 512);
  put(pair.source, 5 * mib + 99, noise(12 * mib, 1));
  put(pair.target, 0, noise(pair.size, 2));
  const std::string shared = GENERATE("1", "8");
  const auto source = ServedDisk::qemu({"-f", "raw", "-r", "-e", shared, pair.source.string()});
  {
    const auto target = ServedDisk::qemu({"-f", "raw", "-e", shared, pair.target.string()});
    UriChannel from(source.uri(), pair.size), to(target.uri(), pair.size);
    CopyRequest request;
    request.source = &from;
    request.target = &to;
    request.manifest = pair.manifest;
    const auto report = make_mover()->copy(request, {});
    check_resumed(pair, report);
  }
  REQUIRE(pair.read_back());
}

TEST_CASE("A source that hangs does not lose what the target has written") {
  FullPair pair(100 * mib);
  {
    Served served(pair);
    std::stop_source stop;
    At half(60 * mib, [&] {
      kill(served.from.server.pid(), SIGSTOP);
      stop.request_stop();
    });
    served.request.progress = &half;
    const auto stopped = make_mover()->copy(served.request, {stop.get_token()});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == Errc::cancelled);
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK(report->kept_bytes >= 58 * mib);
}

TEST_CASE("A stop waits for a flush that takes long") {
  FullPair pair(40 * mib);
  {
    Served served(pair);
    // Longer than what else a stop waits for.
    ScriptedDisk to(pair.target,
                    {"flush=[ -e \"$disk.slow\" ] || { touch \"$disk.slow\"; sleep 11; }"});
    served.request.target = &to.channel;
    std::stop_source stop;
    At end(40 * mib, [&] { stop.request_stop(); });
    served.request.progress = &end;
    const auto stopped = make_mover()->copy(served.request, {stop.get_token()});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == Errc::cancelled);
  }
  const auto report = pair.copy();
  check_resumed(pair, report);
  CHECK(report->kept_bytes >= 32 * mib);
}
