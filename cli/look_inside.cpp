#include "cli/look_inside.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "base/units.hpp"
#include "cli/endpoints.hpp"
#include "movers/inspect/concerns.hpp"
#include "movers/inspect/inspect.hpp"

namespace flyt::cli {
namespace {

// An appliance under software emulation starts in half a minute, and reads slowly over a far line.
constexpr std::chrono::minutes patience{15};

std::string why_not(const Machine& machine) {
  if (!machine.unreadable.empty()) return machine.unreadable;
  if (machine.power != Power::off) {
    return "it is not off, and could only be looked into through a snapshot";
  }
  if (machine.disks.empty()) return "it has no disks";
  for (const Disk& disk : machine.disks) {
    if (!disk.left_out.empty()) return fmt::format("{}: {}", disk.label, disk.left_out);
    if (disk.stream_only) {
      return fmt::format("{} can only be read as one sequence", disk.label);
    }
  }
  return {};
}

Result<Inside> open_and_look(Driver& driver, const Machine& machine, const Call& call) {
  std::vector<std::unique_ptr<Channel>> channels;
  InspectRequest request{machine, {}, driver.info().kvm};
  for (const Disk& disk : machine.disks) {
    FLYT_ASSIGN(channels.emplace_back(),
                driver.open({machine.id, disk.id, "", "", Use::read, {}}, call));
    request.disks.push_back(channels.back().get());
  }
  auto found = inspect(request, call);
  for (const auto& channel : channels) {
    const Status closed = channel->close(call);
    if (found && !closed) return closed.error();
  }
  return found;
}

Inside look_into(Driver& driver, const Machine& machine, const Call& call) {
  const auto not_seen = [&](const std::string& why, std::string remedy) {
    return Inside{
        {inside_concern("I-NOT-SEEN", machine.name, "not looked into: " + why, std::move(remedy))}};
  };
  if (const std::string why = why_not(machine); !why.empty()) return not_seen(why, {});
  auto found = open_and_look(driver, machine, call.within(patience));
  if (found) return *std::move(found);
  const Error& error = found.error();
  std::string remedy = error.remedy.empty() ? std::string() : error.remedy.front();
  return not_seen(error.seen.empty() ? error.what : fmt::format("{}: {}", error.what, error.seen),
                  std::move(remedy));
}

}  // namespace

Attempt<InsideById> look_inside(const EndpointConfig& endpoint,
                                const std::vector<const Machine*>& machines, Telling telling,
                                Session& session) {
  using std::chrono::steady_clock;
  FLYT_ASSIGN(const auto driver, open_endpoint(endpoint, Access::work, session.call()));
  InsideById inside;
  std::size_t at = 0;
  for (const Machine* machine : machines) {
    ++at;
    if (machine->is_template) continue;
    const auto begun = steady_clock::now();
    inside[machine->id] = look_into(*driver, *machine, session.call());
    FLYT_TRY(during(Origin::work, proceed(session.call(), "looking into machines")));
    if (telling == Telling::nothing) continue;
    session.view().remark(fmt::format("{} of {}: {}: {}", at, machines.size(), machine->name,
                                      format_duration(steady_clock::now() - begun)));
  }
  return inside;
}

}  // namespace flyt::cli
