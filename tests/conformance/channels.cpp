#include <sys/stat.h>

#include <filesystem>

#include "base/units.hpp"
#include "base/uri.hpp"
#include "tests/catch.hpp"
#include "tests/conformance/disk_access.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {
namespace {

constexpr Capability see[] = {Capability::create, Capability::read, Capability::write};

bool can_write(const Run& run) { return run.can_all({see[0], see[1], see[2]}); }

OpenSpec opens(const Machine& machine, Use use, std::size_t disk = 0, std::uint64_t epoch = 1) {
  return {machine.id, machine.disks[disk].id, "", "", use, {machine.migration_id, epoch}};
}

void reads_a_source(Run& run) {
  if (!run.can(Capability::read)) return;
  // Sectors, no sectors, a hole in the middle.
  const std::vector<std::string> disks = {
      noise(3 * mib + 512, 1), noise(mib, 2) + std::string(4 * mib, '\0') + noise(512, 3),
      std::string(mib, '\0')};
  const auto machine = run.readable("web01", disks);
  if (!machine) return;
  REQUIRE(machine->disks.size() == disks.size());
  for (std::size_t i = 0; i < disks.size(); ++i) {
    FLYT_TAKE(const auto channel, run.driver->open(opens(*machine, Use::read, i), {}));
    REQUIRE(channel->info().size_bytes == disks[i].size());
    FLYT_TAKE(const std::string content, read_disk(*channel));
    CHECK((content == disks[i]));
    CHECK(code_of(channel->close({})) == "ok");
  }
}

void reads_a_view(Run& run) {
  if (!run.can_all({Capability::read, Capability::view})) return;
  const std::string disk = noise(2 * mib + 512, 4);
  const auto machine = run.readable("web01", {disk});
  if (!machine) return;
  const ViewSpec view{machine->id, "flyt-1", {migration("view"), 1}};
  REQUIRE(run.driver->make_view(view, {}));
  OpenSpec spec = opens(*machine, Use::read);
  spec.view = view.name;
  spec.owner = view.owner;
  FLYT_TAKE(const auto channel, run.another()->open(spec, {}));
  FLYT_TAKE(const std::string content, read_disk(*channel));
  CHECK((content == disk));
  CHECK(code_of(channel->close({})) == "ok");
  spec.view = "no such view";
  CHECK(code_of(run.driver->open(spec, {})) == "not_found");
}

void writes(Run& run) {
  if (!can_write(run)) return;
  const std::uint64_t size = 2 * mib + 512;
  const Machine machine = run.create(run.spec("web01", {size}));
  FLYT_TAKE(const auto writer, run.driver->open(opens(machine, Use::write), {}));
  CHECK(writer->info().size_bytes == machine.disks[0].size_bytes);
  if (writer->info().reads_zero) {
    FLYT_TAKE(const std::string content, read_disk(*writer));
    CHECK((content == std::string(machine.disks[0].size_bytes, '\0')));
  }
  const std::string head = noise(mib + 512, 1), tail = noise(512, 2);
  REQUIRE(code_of(write_disk(*writer, 512, head)) == "ok");
  REQUIRE(code_of(write_disk(*writer, size - 512, tail)) == "ok");
  CHECK(code_of(writer->close({})) == "ok");
  CHECK(code_of(writer->close({})) == "ok");
  FLYT_TAKE(const auto reader, run.another()->open(opens(machine, Use::read), {}));
  CHECK((read_disk(*reader, 512, head.size()).value_or("") == head));
  CHECK((read_disk(*reader, size - 512, 512).value_or("") == tail));
  CHECK(code_of(reader->close({})) == "ok");
}

void readers_cannot_write(Run& run) {
  if (!can_write(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  FLYT_TAKE(const auto reader, run.driver->open(opens(machine, Use::read), {}));
  CHECK_FALSE(write_disk(*reader, 0, "xxxx"));
}

void writes_only_its_own(Run& run) {
  if (!can_write(run)) return;
  const Machine machine = run.create(run.spec("web01", {mib}));
  OpenSpec spec = opens(machine, Use::write);
  spec.owner = {migration("stranger"), 9};
  CHECK(code_of(run.driver->open(spec, {})) == "denied");
  spec.owner = {};
  CHECK(code_of(run.driver->open(spec, {})) == "denied");
  const auto source = run.source("db01", {noise(mib, 1)});
  if (!source) return;
  CHECK(code_of(run.driver->open(opens(*source, Use::write), {})) == "denied");
}

void opens_what_is_there(Run& run) {
  if (!run.can(Capability::read)) return;
  const auto machine = run.readable("web01", {noise(mib, 1)});
  if (!machine) return;
  OpenSpec spec = opens(*machine, Use::read);
  spec.disk = "no such disk";
  CHECK(code_of(run.driver->open(spec, {})) == "not_found");
}

// With a URI the mover speaks NBD; without, the methods are all there is.
void keeps_the_two_kinds_apart(Run& run) {
  if (!run.can(Capability::read)) return;
  const auto machine = run.readable("web01", {noise(mib, 1)});
  if (!machine) return;
  FLYT_TAKE(const auto channel, run.driver->open(opens(*machine, Use::read), {}));
  CHECK(code_of(channel->changed(0, {})) == "unsupported");
  if (channel->info().uri.empty()) return;
  std::vector<std::byte> buffer(mib);
  CHECK(code_of(channel->next(buffer, {})) == "unsupported");
  CHECK(code_of(channel->put({}, buffer, {})) == "unsupported");
  CHECK(code_of(channel->flush({})) == "unsupported");
}

void hides_its_socket(Run& run) {
  if (!run.can(Capability::read)) return;
  const auto machine = run.readable("web01", {noise(mib, 1)});
  if (!machine) return;
  FLYT_TAKE(auto channel, run.driver->open(opens(*machine, Use::read), {}));
  const std::string uri = channel->info().uri;
  if (uri.empty()) return;
  const auto at = uri.find("socket=");
  REQUIRE(at != std::string::npos);
  const std::filesystem::path socket = percent_decode(uri.substr(at + 7)).value_or("");
  struct stat status {};
  REQUIRE(::stat(socket.parent_path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0700U);
  channel.reset();
  CHECK_FALSE(std::filesystem::exists(socket.parent_path()));
}

const Case cases[] = {
    {"reads the disks of a machine as they are", reads_a_source},
    {"reads a view from another process", reads_a_view},
    {"writes, and reads back over a fresh channel", writes},
    {"a channel for reading takes no writes", readers_cannot_write},
    {"writes only what this migration made", writes_only_its_own},
    {"finds no disk that is not there", opens_what_is_there},
    {"a channel is NBD or a stream, not both", keeps_the_two_kinds_apart},
    {"its socket lies in a folder for us alone, and goes with it", hides_its_socket},
};

}  // namespace

std::span<const Case> channel_cases() { return cases; }

}  // namespace flyt::tests
