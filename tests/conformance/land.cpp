// Where what is written has to be brought to its machine: that it comes there, once.
#include <mutex>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

bool can_land(const Run& run) {
  return run.can_all({Capability::create, Capability::read, Capability::write, Capability::land});
}

void put(Run& run, const Machine& machine, std::size_t disk, std::uint64_t offset,
         std::string_view data, std::uint64_t epoch = 1) {
  FLYT_TAKE(const auto writer, run.driver->open({machine.id,
                                                 machine.disks.at(disk).id,
                                                 "",
                                                 "",
                                                 Use::write,
                                                 {machine.migration_id, epoch}},
                                                {}));
  REQUIRE(code_of(write_disk(*writer, offset, data)) == "ok");
  REQUIRE(code_of(writer->close({})) == "ok");
}

std::vector<LandedDisk> land(Run& run, const Machine& machine, ProgressSink* progress = nullptr) {
  FLYT_TAKE(
      auto landed,
      run.driver->land(
          {.machine = machine.id, .owner = {machine.migration_id, 1}, .progress = progress}, {}));
  REQUIRE(landed.size() == machine.disks.size());
  return landed;
}

std::string read_by_machine(Run& run, const Machine& machine, std::size_t disk) {
  FLYT_TAKE(std::string content, run.platform->read_landed(machine.id, disk));
  return content;
}

// Bytes as they were told, however often and by whichever thread.
class Counting final : public ProgressSink {
 public:
  void total(std::uint64_t bytes) override {
    const std::lock_guard lock(mutex_);
    total_ = bytes;
  }
  void advance(std::uint64_t bytes) override {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
  }
  std::pair<std::uint64_t, std::uint64_t> seen() {
    const std::lock_guard lock(mutex_);
    return {done_, total_};
  }

 private:
  std::mutex mutex_;
  std::uint64_t total_ = 0, done_ = 0;
};

void lands(Run& run) {
  if (!can_land(run)) return;
  const Machine machine = run.create(run.spec("web01", {2 * mib, mib}));
  const std::string head = noise(mib / 2, 1), tail = noise(4096, 2);
  put(run, machine, 0, 4096, head);
  put(run, machine, 1, mib - tail.size(), tail);
  Counting progress;
  const auto landed = land(run, machine, &progress);
  for (std::size_t i = 0; i < landed.size(); ++i) {
    CHECK(landed[i].disk == machine.disks[i].id);
    CHECK_FALSE(landed[i].volume.empty());
    CHECK(landed[i].sent_bytes > 0);
  }
  CHECK(progress.seen().first == progress.seen().second);
  CHECK(progress.seen().second > 0);
  const std::string first = read_by_machine(run, machine, 0);
  CHECK((first.substr(4096, head.size()) == head));
  CHECK((first.substr(0, 4096) == std::string(4096, '\0')));
  CHECK((read_by_machine(run, machine, 1).substr(mib - tail.size(), tail.size()) == tail));
  const Machine after = run.machine(machine.id);
  REQUIRE(after.disks.size() == 2);
  CHECK(after.disks[0].id == machine.disks[0].id);
  CHECK(after.disks[0].size_bytes == machine.disks[0].size_bytes);
}

void lands_once(Run& run) {
  if (!can_land(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib, mib}));
  put(run, machine, 0, 0, noise(4096, 1));
  put(run, machine, 1, 0, noise(4096, 2));
  const auto first = land(run, machine);
  run.driver = run.another();
  const auto again = land(run, machine);
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(again[i].volume == first[i].volume);
    CHECK(again[i].sha256 == first[i].sha256);
    CHECK(again[i].sent_bytes == first[i].sent_bytes);
  }
  const std::string newer = noise(4096, 3);
  put(run, machine, 1, 8192, newer);
  const auto later = land(run, machine);
  CHECK(later[0].volume == first[0].volume);
  if (!first[1].sha256.empty()) CHECK(later[1].sha256 != first[1].sha256);
  const std::string content = read_by_machine(run, machine, 1);
  CHECK((content.substr(8192, newer.size()) == newer));
  CHECK((content.substr(0, 4096) == noise(4096, 2)));
}

// Its own bytes stay readable for the proof, and come along with the next write.
void reads_what_it_landed(Run& run) {
  if (!can_land(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  const std::string data = noise(8192, 1);
  put(run, machine, 0, 512, data);
  (void)land(run, machine);
  FLYT_TAKE(
      const auto reader,
      run.another()->open(
          {machine.id, machine.disks[0].id, "", "", Use::read, {machine.migration_id, 1}}, {}));
  CHECK((read_disk(*reader, 512, data.size()).value_or("") == data));
  CHECK(code_of(reader->close({})) == "ok");
}

void lands_for_its_owner(Run& run) {
  if (!can_land(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  put(run, machine, 0, 0, "mine", 4);
  CHECK(code_of(run.driver->land({machine.id, {migration("stranger"), 9}}, {})) == "denied");
  CHECK(code_of(run.driver->land({machine.id, {}}, {})) == "denied");
  FLYT_TAKE(
      const auto newer,
      run.another()->open(
          {machine.id, machine.disks[0].id, "", "", Use::write, {machine.migration_id, 5}}, {}));
  CHECK(code_of(run.driver->land({machine.id, {machine.migration_id, 4}}, {})) == "denied");
  CHECK(code_of(newer->close({})) == "ok");
}

const Case cases[] = {
    {"brings what was written to the machine", lands},
    {"lands what has been written to since, and nothing twice", lands_once},
    {"what was landed can still be read", reads_what_it_landed},
    {"lands only for who made the machine, and not beside a newer process", lands_for_its_owner},
};

}  // namespace

std::span<const Case> land_cases() { return cases; }

}  // namespace flyt::tests
