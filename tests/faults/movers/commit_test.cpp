#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "movers/manifest.hpp"
#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

namespace {

constexpr std::uint64_t mib = 1 << 20;

// A synced pair, and a file that stands for the overlay: the target with some bytes changed.
struct Converted : Pair {
  explicit Converted(std::uint64_t tail = 100)
      : Pair(20 * mib + tail), overlay(folder / "overlay") {
    put(source, 0, noise(10 * mib, 1));
    const auto first = copy();
    REQUIRE(first);
    root = first->root;
    std::filesystem::copy_file(target, overlay);
    put(overlay, 3 * mib + 4096, noise(8192, 7));
    put(overlay, 5 * mib - 4096, noise(8192, 8));  // over a block's edge
    put(overlay, 15 * mib, noise(100, 9));
    put(overlay, 20 * mib, noise(100, 10));
  }

  Result<CommitReport> commit(const std::vector<std::string>& filters = {},
                              const std::vector<std::string>& settings = {},
                              ProgressSink* progress = nullptr) {
    FileDisk from(overlay), to(target, filters, settings);
    CommitRequest request;
    request.overlay = &from.channel;
    request.target = &to.channel;
    request.changed = changes;
    request.manifest = manifest;
    request.progress = progress;
    return make_mover()->commit(request, {});
  }

  void check_committed(const Result<CommitReport>& report) {
    INFO((report ? std::string() : report.error().what + ": " + report.error().seen));
    REQUIRE(report);
    CHECK(content(target) == content(overlay));
    CHECK(report->root == root_of(content(overlay)));
    CHECK(report->outside_equal);
    CHECK(report->changed_blocks == 5);
    const auto back = read_back();
    REQUIRE(back);
    CHECK(back->expected_root == report->root);
    CHECK(back->read_root == report->root);
    CHECK(back->source_root == root);
    CHECK(back->equal_conversion == 5);
    CHECK(back->equal_source == 16);
    CHECK(back->different_blocks == 0);
  }

  std::filesystem::path overlay;
  Digest root{};
  std::vector<Extent> changes{
      {3 * mib + 4096, 8192}, {5 * mib - 4096, 8192}, {15 * mib, 4096}, {20 * mib, 65536}};
};

}  // namespace

TEST_CASE("Committing a conversion writes its extents and keeps both digests") {
  Converted pair;
  const auto report = pair.commit();
  pair.check_committed(report);
  CHECK(report->changed_bytes == 8192 + 8192 + 4096 + 100);
  pair.check_committed(pair.commit());  // once more changes nothing
}

TEST_CASE("A commit that broke off after any write is repeated") {
  Converted pair;
  const int writes = GENERATE(0, 1, 2, 4);
  FileDisk from(pair.overlay);
  ScriptedDisk to(pair.target, {writes_then_full(writes)});
  CommitRequest request;
  request.overlay = &from.channel;
  request.target = &to.channel;
  request.changed = pair.changes;
  request.manifest = pair.manifest;
  const auto broken = make_mover()->commit(request, {});
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Errc::unavailable);
  CHECK_FALSE(pair.read_back());  // nobody can say what the target holds now
  pair.check_committed(pair.commit());
}

TEST_CASE("A commit to a server of large requests writes around what has changed") {
  Converted pair(65536);
  pair.check_committed(pair.commit(
      {"--filter=blocksize-policy"},
      {"blocksize-minimum=65536", "blocksize-preferred=65536", "blocksize-error-policy=error"}));
}

TEST_CASE("A commit writes zeroes as zeroes") {
  Converted pair;
  put(pair.overlay, 3 * mib + 4096, std::string(8192, '\0'));
  FileDisk from(pair.overlay);
  ScriptedDisk to(pair.target,
                  {"can_zero=exit 0",
                   "zero=echo $4 $3 >> \"$disk.zeroes\"; dd if=/dev/zero of=\"$disk\" bs=1 "
                   "seek=$4 count=$3 conv=notrunc status=none"});
  CommitRequest request;
  request.overlay = &from.channel;
  request.target = &to.channel;
  request.changed = pair.changes;
  request.manifest = pair.manifest;
  pair.check_committed(make_mover()->commit(request, {}));
  CHECK(content(pair.target.string() + ".zeroes") == std::to_string(3 * mib + 4096) + " 8192\n");
}

TEST_CASE("A commit goes on after kill -9 behind any write", "[kill]") {
  Converted pair;
  struct Kill : ProgressSink {
    void advance(std::uint64_t) override {
      if (left-- == 0) kill(getpid(), SIGKILL);
    }
    int left = 0;
  } at;
  at.left = GENERATE(0, 2, 4);
  const pid_t child = fork();
  if (child == 0) {
    (void)pair.commit({}, {}, &at);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK_FALSE(pair.read_back());  // nobody can say what the target holds now
  pair.check_committed(pair.commit());
}

TEST_CASE("A conversion that wrote behind the source's end is refused") {
  Converted pair;
  std::filesystem::resize_file(pair.overlay, 21 * mib);
  const bool wrote = GENERATE(true, false);
  if (wrote) put(pair.overlay, 20 * mib + 70000, "x");
  pair.changes.back().length = mib;
  const std::string before = content(pair.target);
  const auto report = pair.commit();
  if (!wrote) {
    REQUIRE(report);
    CHECK(content(pair.target) == content(pair.overlay).substr(0, pair.size));
    return;
  }
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::corrupt);
  CHECK(content(pair.target) == before);
}

TEST_CASE("A commit is refused when the target is not the synced copy, and writes nothing") {
  Converted pair;
  put(pair.target, 15 * mib + 5000, "x");
  const std::string before = content(pair.target), known = content(pair.manifest);
  const auto report = pair.commit();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::corrupt);
  CHECK(content(pair.target) == before);
  CHECK(content(pair.manifest) == known);
}

TEST_CASE("All that a commit will write is void before it writes") {
  Converted pair;
  struct Look : ProgressSink {
    explicit Look(const Converted& one) : its(one) {}
    void total(std::uint64_t) override {
      untouched = content(its.target) == before;
      std::filesystem::copy_file(its.manifest, its.folder / "then");
    }
    const Converted& its;
    std::string before = content(its.target);
    bool untouched = false;
  } look(pair);
  REQUIRE(pair.commit({}, {}, &look));
  CHECK(look.untouched);
  const auto then = movers::Manifest::open({pair.folder / "then", {}, 0, false});
  REQUIRE(then);
  movers::Manifest::Cursor cursor(*then);
  std::vector<std::uint64_t> voids;
  for (std::uint64_t block = 0; block <= 20; ++block) {
    const auto segment = cursor.at(block);
    CHECK(segment.source);
    if (!segment.conversion) continue;
    CHECK(segment.conversion->kind == movers::RecordKind::nothing);
    voids.push_back(block);
  }
  CHECK(voids == std::vector<std::uint64_t>{3, 4, 5, 15, 20});
}

TEST_CASE("A commit is refused when its list of changes is not complete") {
  Converted pair;
  pair.changes[0].length = 4096;
  const std::string before = content(pair.target);
  const auto report = pair.commit();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::corrupt);
  CHECK(content(pair.target) == before);
}

TEST_CASE("After a commit the committed blocks join the next delta") {
  Converted pair;
  REQUIRE(pair.commit());
  FileDisk from(pair.source), to(pair.target);
  CopyRequest request;
  request.source = &from.channel;
  request.target = &to.channel;
  request.manifest = pair.manifest;
  request.view = 2;
  request.mode = GENERATE(CopyMode::tracked, CopyMode::digest);
  request.base = 1;
  from.channel.changes_.emplace();
  const auto report = make_mover()->copy(request, {});
  REQUIRE(report);
  CHECK(pair.equal());
  CHECK(report->root == pair.root);
  CHECK(report->written_bytes + report->zeroed_bytes == 4 * mib + 100);
  const auto back = pair.read_back();
  REQUIRE(back);
  CHECK(back->equal_conversion == 0);
}
