#include "drivers/proxmox/console.hpp"

#include <fmt/format.h>

#include <system_error>

#include "base/durable_file.hpp"
#include "drivers/shared/landing_ssh.hpp"

namespace flyt::proxmox {
namespace {

// Waits ten minutes for QEMU to make the socket, and ends with it.
constexpr std::string_view listen_script =
    "socket=/run/qemu-server/$1.serial0; left=6000; "
    "until [ -S $socket ] && exec socat -u UNIX-CONNECT:$socket -; do "
    "left=$((left - 1)); [ $left -gt 0 ] || exit 1; sleep 0.1; done";

constexpr std::uint64_t limit_unit = 512;  // of `ulimit -f`, as POSIX has it

std::vector<std::string> words(const LandingHost& host, const std::string& vmid,
                               const std::filesystem::path& to, const Call& call) {
  std::vector<std::string> there = host.prefix;
  there.insert(there.end(), {"sh", "-c", std::string(listen_script), "flyt-console", vmid});
  // A guest that says a lot must not fill the disk on which the journal is.
  const std::string limited =
      fmt::format("ulimit -f {}; exec \"$@\" >>\"$0\"", most_console / limit_unit);
  std::vector<std::string> here{"sh", "-c", limited, to.native()};
  for (std::string& word : ssh_words(*host.ssh, {}, there, call)) here.push_back(std::move(word));
  return here;
}

// The longest that a machine takes to start, and more: then nobody watches it any more.
constexpr std::chrono::minutes unwanted{20};

}  // namespace

// REQUIRES: mutex_ is held.
Status Consoles::begin(const std::string& vmid) {
  FLYT_TRY(make_private_folder(folder_));
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(listeners_, [now](const auto& one) { return now - one.second.wanted > unwanted; });
  listeners_.erase(vmid);
  return begin_console_log(file(vmid));
}

Status Consoles::listen(const LandingHost& host, const std::string& vmid, Since since,
                        const Call& call) {
  const std::lock_guard lock(mutex_);
  FLYT_TRY(begin(vmid));
  FLYT_ASSIGN(Process process, Process::start({words(host, vmid, file(vmid), call)}));
  Listener& listener = listeners_[vmid];
  listener.ssh = std::move(process);
  if (since == Since::later) listener.gap = "nobody listened when it was switched on";
  return ok();
}

Status Consoles::listen(Api& api, const MachineHere& here) {
  const std::lock_guard lock(mutex_);
  FLYT_TRY(begin(here.vmid));
  Listener& listener = listeners_[here.vmid];
  listener.api = std::make_unique<Terminal>(api, here, file(here.vmid));
  listener.gap = "by the API a console is heard from some time after the start";
  return ok();
}

bool Consoles::listens(const std::string& vmid) {
  const std::lock_guard lock(mutex_);
  return listeners_.contains(vmid);
}

bool Consoles::is_deaf(const std::string& vmid) {
  const std::lock_guard lock(mutex_);
  const auto found = listeners_.find(vmid);
  if (found == listeners_.end() || !found->second.ssh || found->second.ssh->running()) return false;
  std::error_code missing;
  return std::filesystem::file_size(file(vmid), missing) == 0 || missing;
}

Result<ConsoleText> Consoles::read(const std::string& vmid, const std::string& after,
                                   const Call& call) {
  ConsoleText nothing{.known = true, .anew = false, .text = {}, .next = after, .more = false};
  {
    const std::lock_guard lock(mutex_);
    const auto found = listeners_.find(vmid);
    if (found != listeners_.end()) {
      found->second.wanted = std::chrono::steady_clock::now();
      nothing.gap = found->second.gap;
    }
    if (found != listeners_.end() && found->second.api) {
      const Terminal::State state = found->second.api->state();
      nothing.known = state.heard;
      nothing.unheard = state.why;
      if (state.heard && !state.why.empty()) nothing.gap += "; " + state.why;
    }
  }
  if (!nothing.known) return nothing;
  const LandingHost here{"local", {}};
  auto piece = landing_log(here, file(vmid), after, call);
  if (!piece && piece.error().code == Errc::not_found) return nothing;
  if (!piece) return std::move(piece).error();
  ConsoleText text = console_text(*std::move(piece));
  text.gap = nothing.gap;
  return text;
}

void Consoles::forget(const std::string& vmid) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(vmid);
  std::error_code ignored;  // a file in the state folder more is no harm
  std::filesystem::remove(file(vmid), ignored);
}

}  // namespace flyt::proxmox
