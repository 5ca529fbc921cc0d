#include <fmt/format.h>

#include <algorithm>

#include "base/durable_file.hpp"
#include "drivers/libvirt/context.hpp"
#include "drivers/libvirt/errors.hpp"
#include "drivers/libvirt/inventory.hpp"
#include "drivers/libvirt/machines.hpp"

namespace flyt::virt {
namespace {

using PowerChange = Driver::PowerChange;

constexpr int agent_seconds = 3;

Status switch_on(virDomainPtr domain, const Machine& machine) {
  if (machine.power == Power::on) return ok();
  const bool paused = virDomainIsActive(domain) == 1;
  if ((paused ? virDomainResume(domain) : virDomainCreate(domain)) == 0) return ok();
  Error error = last_error(fmt::format("cannot switch {} on", machine.name));
  if (error.seen.find("is not active") != std::string::npos) {
    error.remedy.emplace_back("virsh net-start NETWORK");
  }
  return error;
}

Status ask_to_end(virDomainPtr domain, const Machine& machine, bool forced) {
  const int asked = forced ? virDomainDestroy(domain) : virDomainShutdown(domain);
  if (asked == 0 || virDomainIsActive(domain) == 0) return ok();
  return last_error(fmt::format("cannot switch {} off", machine.name));
}

std::vector<std::string> addresses_from(virDomainPtr domain, unsigned source) {
  virDomainInterfacePtr* interfaces = nullptr;
  const int count = virDomainInterfaceAddresses(domain, &interfaces, source, 0);
  const Allocated<virDomainInterfacePtr> owned(interfaces, &std::free);
  std::vector<std::string> found;
  for (int i = 0; i < count; ++i) {
    const virDomainInterface& one = *interfaces[i];
    const bool loopback = one.hwaddr != nullptr && std::string(one.hwaddr) == "00:00:00:00:00:00";
    for (unsigned a = 0; a < one.naddrs; ++a) {
      const std::string address = one.addrs[a].addr;
      if (!loopback && address != "127.0.0.1" && address != "::1") found.push_back(address);
    }
    virDomainInterfaceFree(interfaces[i]);
  }
  return found;
}

void ask_agent(virDomainPtr domain, Observation& seen) {
  // An old daemon waits longer; so be it.
  (void)virDomainAgentSetResponseTimeout(domain, agent_seconds, 0);
  char* name = virDomainGetHostname(domain, VIR_DOMAIN_GET_HOSTNAME_AGENT);
  seen.agent = name != nullptr;
  seen.host_name = take(name);
  if (*seen.agent)
    seen.addresses = addresses_from(domain, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT);
}

}  // namespace

Status set_power(Context& context, const std::string& id, PowerChange change, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(const DomainHere domain, find_domain(link.get(), id));
  virDomainPtr handle = domain.handle.get();
  const Machine& machine = domain.facts.machine;
  const bool on = change == PowerChange::on;
  if (on) {
    FLYT_TRY(switch_on(handle, machine));
  } else if (virDomainIsActive(handle) != 0) {
    FLYT_TRY(ask_to_end(handle, machine, change == PowerChange::forced_off));
  }
  return context.connection.wait_until(
      [&]() -> Result<bool> {
        FLYT_ASSIGN(const Power power, power_of(handle));
        if (on) return power == Power::on;
        return virDomainIsActive(handle) == 0;
      },
      call, fmt::format("{}: waiting until it is {}", machine.name, on ? "on" : "off"));
}

Result<Observation> observe(Context& context, const std::string& id, const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(const DomainHere domain, find_domain(link.get(), id));
  Observation seen;
  seen.power = domain.facts.machine.power;
  seen.host = take(virConnectGetHostname(link.get()));
  if (seen.power != Power::on) return seen;
  FLYT_TRY(proceed(call, "observing a machine"));
  if (domain.facts.agent_channel) ask_agent(domain.handle.get(), seen);
  for (const unsigned source :
       {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP}) {
    if (seen.addresses.empty()) seen.addresses = addresses_from(domain.handle.get(), source);
  }
  FLYT_TRY(still_connected(link.get()));
  return seen;
}

Result<ConsoleText> console(Context& context, const std::string& id, const std::string& after,
                            const Call& call) {
  FLYT_ASSIGN(const Link link, context.connection.get(call));
  FLYT_ASSIGN(const DomainHere domain, find_domain(link.get(), id));
  ConsoleText said{!domain.facts.console.empty()};
  said.next = after;
  if (!said.known) return said;
  auto piece = landing_log(context.landing, domain.facts.console, after, call);
  if (piece) return console_text(*std::move(piece));
  if (piece.error().code == Errc::not_found) return said;  // never started
  if (piece.error().code != Errc::denied) {
    return within(domain.facts.machine.name, Result<ConsoleText>(std::move(piece).error()));
  }
  said.known = false;
  return said;
}

}  // namespace flyt::virt
