#include "cli/exit_status.hpp"

#include <algorithm>
#include <array>

namespace flyt {
namespace {

constexpr std::array<ExitMeaning, 9> meanings{{
    {ExitStatus::interrupted, "interrupted twice"},
    {ExitStatus::usage, "usage, site file or plan is wrong; nothing was done"},
    {ExitStatus::endpoint, "an endpoint cannot be reached or refuses us"},
    {ExitStatus::policy, "policy violated; nothing was done, or a landed workload breaks it"},
    {ExitStatus::drift, "drift: the world is no longer what the plan was built on"},
    {ExitStatus::failed, "something failed; the message says what"},
    {ExitStatus::stopped, "stopped or partly done; the same command goes on"},
    {ExitStatus::unverified, "no FAIL, but a verdict asked for is UNVERIFIED"},
    {ExitStatus::done, "done; all verdicts asked for are PASS"},
}};

auto weight(ExitStatus status) noexcept {
  return std::find_if(meanings.begin(), meanings.end(),
                      [status](const ExitMeaning& one) { return one.status == status; });
}

ExitStatus of_endpoint(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
    case Errc::denied:
    case Errc::unavailable:
    case Errc::timed_out:
      return ExitStatus::endpoint;
    case Errc::invalid:
      return ExitStatus::usage;
    default:
      return ExitStatus::failed;
  }
}

}  // namespace

std::span<const ExitMeaning> exit_meanings() noexcept { return meanings; }

ExitStatus worse(ExitStatus a, ExitStatus b) noexcept { return weight(a) < weight(b) ? a : b; }

ExitStatus status_of(Errc code, Origin origin) noexcept {
  if (code == Errc::cancelled) return ExitStatus::stopped;
  switch (origin) {
    case Origin::setup:
      return ExitStatus::usage;
    case Origin::endpoint:
      return of_endpoint(code);
    case Origin::work:
      break;
  }
  if (code == Errc::invalid) return ExitStatus::usage;
  return code == Errc::denied ? ExitStatus::endpoint : ExitStatus::failed;
}

}  // namespace flyt
