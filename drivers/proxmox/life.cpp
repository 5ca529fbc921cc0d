// Switching machines on and off, and what can be seen of them while they run.
#include <fmt/format.h>

#include <algorithm>

#include "drivers/proxmox/machines.hpp"
#include "drivers/proxmox/tasks.hpp"

namespace flyt::proxmox {
namespace {

using PowerChange = Driver::PowerChange;

constexpr std::chrono::hours longest_shutdown{1};

std::string title_of(const MachineHere& here) {
  return here.name.empty() ? "VM " + here.vmid : here.name;
}

Status begin(Api& api, const MachineHere& here, Power now, PowerChange change, const Call& call) {
  const std::string status = qemu_path(here) + "/status/";
  const std::string name = title_of(here);
  switch (change) {
    case PowerChange::on:
      return do_task(api, Method::post, status + (now == Power::suspended ? "resume" : "start"), {},
                     fmt::format("switching {} on", name), call);
    case PowerChange::forced_off:
      return do_task(api, Method::post, status + "stop", {},
                     fmt::format("switching {} off by force", name), call);
    case PowerChange::off:
      break;
  }
  const auto patience = std::chrono::duration_cast<std::chrono::seconds>(
      std::min<std::chrono::nanoseconds>(call.left(), longest_shutdown));
  return do_task(api, Method::post, status + "shutdown",
                 {{"timeout", std::to_string(std::max<std::int64_t>(patience.count(), 1))}},
                 fmt::format("shutting {} down", name), call);
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

// "[0].ip-addresses[1].ip-address" and so on, as the agent lists its cards.
std::vector<std::string> addresses_of(const Row& answer) {
  std::vector<std::string> addresses;
  for (const auto& [key, value] : answer.values) {
    if (key.ends_with(".ip-address") && !is_loopback(value)) addresses.push_back(value);
  }
  return addresses;
}

Result<Row> ask_agent(Api& api, const MachineHere& here, Method method, std::string_view command,
                      const Call& call) {
  const std::string what = fmt::format("asking the guest agent of {}", title_of(here));
  FLYT_ASSIGN(
      const std::string body,
      api.request(method, fmt::format("{}/agent/{}", qemu_path(here), command), {}, what, call));
  return parse_row(body, what);
}

void ask_guest(Api& api, const MachineHere& here, Observation& seen, const Call& call) {
  seen.agent = ask_agent(api, here, Method::post, "ping", call).has_value();
  if (!*seen.agent) return;
  if (const auto name = ask_agent(api, here, Method::get, "get-host-name", call)) {
    seen.host_name = name->text("result.host-name");
  }
  if (const auto cards = ask_agent(api, here, Method::get, "network-get-interfaces", call)) {
    seen.addresses = addresses_of(*cards);
  }
}

// By SSH where it can be had: that hears from the first word on.
Status listen(Context& context, const MachineHere& here, Consoles::Since since, const Call& call) {
  if (by_ssh(context.settings.way)) {
    const auto host = landing_of(context, here.node, call);
    if (host && context.consoles.listen(*host, here.vmid, since, call)) return ok();
    FLYT_TRY(proceed(call, "listening to a console"));
  }
  return context.consoles.listen(context.api, here);
}

// Before it is switched on, so that nothing is missed. That nobody can listen is no reason not to.
void listen_early(Context& context, const MachineHere& here, const Call& call) {
  const auto config = read_config_of(context.api, here, call);
  if (!config || !config->row.has("serial0")) return;
  (void)listen(context, here, Consoles::Since::before_start, call);
}

}  // namespace

Result<ConsoleText> console(Context& context, const std::string& id, const std::string& after,
                            const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, id, call));
  FLYT_ASSIGN(const ConfigFacts config, read_config_of(context.api, here, call));
  if (!config.row.has("serial0")) {
    return ConsoleText{.known = false, .anew = false, .text = {}, .next = after, .more = false};
  }
  if (!context.consoles.listens(here.vmid)) {
    FLYT_TRY(listen(context, here, Consoles::Since::later, call));
  }
  if (context.consoles.is_deaf(here.vmid)) FLYT_TRY(context.consoles.listen(context.api, here));
  return context.consoles.read(here.vmid, after, call);
}

Status set_power(Context& context, const std::string& id, PowerChange change, const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, id, call));
  FLYT_ASSIGN(const Power now, power_now(context.api, here, call));
  const Power wanted = change == PowerChange::on ? Power::on : Power::off;
  if (now == wanted) return ok();
  FLYT_TRY(proceed(call, fmt::format("switching {}", title_of(here))));
  if (wanted == Power::on) listen_early(context, here, call);
  FLYT_TRY(begin(context.api, here, now, change, call));
  return look_until(
      [&]() -> Result<bool> {
        FLYT_ASSIGN(const Power power, power_now(context.api, here, call));
        return power == wanted;
      },
      fmt::format("{}: waiting until it is {}", title_of(here), to_string(wanted)), call);
}

Result<Observation> observe(Context& context, const std::string& id, const Call& call) {
  FLYT_ASSIGN(const MachineHere here, find_machine(context.api, id, call));
  Observation seen;
  seen.host = here.node;
  const auto& sites = context.settings.sites;
  if (const auto site = sites.find(here.node); site != sites.end()) seen.place.site = site->second;
  FLYT_ASSIGN(seen.power, power_now(context.api, here, call));
  if (seen.power != Power::on) return seen;
  FLYT_TRY(proceed(call, "observing a machine"));
  FLYT_ASSIGN(const ConfigFacts config, read_config_of(context.api, here, call));
  if (config.agent) ask_guest(context.api, here, seen, call);
  FLYT_TRY(proceed(call, "observing a machine"));
  return seen;
}

}  // namespace flyt::proxmox
