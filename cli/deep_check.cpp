#include "cli/deep_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "base/units.hpp"
#include "movers/nbd_connection.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint64_t tried_bytes = mib;
constexpr std::chrono::minutes patience{3};

struct Candidate {
  const Machine* machine = nullptr;  // nothing: disks are read so, but only of machines that run
  const Disk* disk = nullptr;
};

// By whether it is one sequence, and by what the driver says of the way.
using Ways = std::map<std::pair<bool, std::string>, Candidate>;

void consider(const Machine& machine, const Disk& disk, Candidate& best) {
  if (machine.power != Power::off || !disk.left_out.empty() || disk.size_bytes == 0) return;
  if (best.disk != nullptr && best.disk->size_bytes <= disk.size_bytes) return;
  best = {&machine, &disk};
}

Ways ways_of(const Inventory& inventory) {
  Ways ways;
  std::array<bool, 2> named{};
  for (const Machine& machine : inventory.machines) {
    if (!machine.unreadable.empty() || !machine.migration_id.empty()) continue;
    for (const Disk& disk : machine.disks) {
      consider(machine, disk, ways[{disk.stream_only, disk.read_by}]);
      bool& its = named.at(disk.stream_only ? 1 : 0);
      its = its || !disk.read_by.empty();
    }
  }
  // Where the driver names ways, a disk without one is never read.
  for (const bool stream : {false, true}) {
    if (named.at(stream ? 1 : 0)) ways.erase({stream, ""});
  }
  return ways;
}

Status read_some(Channel& channel, const Call& call) {
  std::vector<std::byte> buffer(tried_bytes);
  if (channel.info().uri.empty()) {
    FLYT_TRY(channel.next(buffer, call));
    return ok();
  }
  FLYT_ASSIGN(const auto server,
              movers::NbdConnection::connect(channel.info().uri, movers::Side::source, call));
  buffer.resize(std::min(tried_bytes, server->server().size));
  return server->read(0, buffer, call);
}

Status try_disk(Driver& driver, const Candidate& chosen, const Call& call) {
  FLYT_ASSIGN(const auto channel,
              driver.open({chosen.machine->id, chosen.disk->id, "", "", Use::read, {}}, call));
  const Status got = read_some(*channel, call);
  const Status closed = channel->close(call);
  return got ? closed : got;
}

Finding failed(const std::string& what, const Error& error) {
  Finding finding;
  finding.text = fmt::format("{} could not be read: {}{}", what, error.what,
                             error.seen.empty() ? "" : ": " + error.seen);
  finding.remedy = error.remedy;
  if (finding.remedy.empty()) {
    finding.remedy = {error.why.empty() ? "look at the endpoint, then: flyt check --deep"
                                        : error.why};
  }
  return finding;
}

}  // namespace

void try_reading(Driver& driver, Inventory& found, const Call& call) {
  for (const auto& [way, chosen] : ways_of(found)) {
    const auto& [stream, read_by] = way;
    if (call.stop.stop_requested()) return;
    const std::string name = stream ? "as one sequence" : "at any place";
    const std::string by = read_by.empty() ? "" : ", by " + read_by;
    if (chosen.disk == nullptr) {
      found.findings.push_back(
          {fmt::format("reading a disk {} could not be tried{}: no machine with such a disk is off",
                       name, by),
           {"switch a small machine off, or make one, then: flyt check --deep"},
           false});
      continue;
    }
    const std::string what = fmt::format("{}: {}", chosen.machine->name, chosen.disk->label);
    const auto begun = std::chrono::steady_clock::now();
    const Status tried = try_disk(driver, chosen, call.within(patience));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (!tried) {
      found.findings.push_back(failed(what, tried.error()));
    } else {
      found.notes.push_back(fmt::format("read {} of {} {} in {:.1f} s{}",
                                        format_size(std::min(tried_bytes, chosen.disk->size_bytes)),
                                        what, name, took.count(), by));
    }
  }
}

}  // namespace flyt::cli
