#include "cli/deep_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/units.hpp"
#include "movers/nbd_connection.hpp"

namespace flyt::cli {
namespace {

constexpr std::uint64_t tried_bytes = mib;
constexpr std::chrono::minutes patience{3};

struct Way {
  bool stream;
  std::string_view name;
};
constexpr std::array ways{Way{false, "at any place"}, Way{true, "as one sequence"}};

struct Candidate {
  const Machine* machine = nullptr;
  const Disk* disk = nullptr;
  bool any = false;  // disks are read so, if only of machines that run
};

Candidate choose(const Inventory& inventory, bool stream) {
  Candidate best;
  for (const Machine& machine : inventory.machines) {
    if (!machine.unreadable.empty() || !machine.migration_id.empty()) continue;
    for (const Disk& disk : machine.disks) {
      if (disk.stream_only != stream) continue;
      best.any = true;
      if (machine.power != Power::off || !disk.left_out.empty() || disk.size_bytes == 0) continue;
      if (best.disk != nullptr && best.disk->size_bytes <= disk.size_bytes) continue;
      best.machine = &machine;
      best.disk = &disk;
    }
  }
  return best;
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
  for (const Way& way : ways) {
    const Candidate chosen = choose(found, way.stream);
    if (!chosen.any || call.stop.stop_requested()) continue;
    if (chosen.disk == nullptr) {
      found.findings.push_back(
          {fmt::format("reading a disk {} could not be tried: no machine with such a disk is off",
                       way.name),
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
      found.notes.push_back(fmt::format("read {} of {} {} in {:.1f} s",
                                        format_size(std::min(tried_bytes, chosen.disk->size_bytes)),
                                        what, way.name, took.count()));
    }
  }
}

}  // namespace flyt::cli
