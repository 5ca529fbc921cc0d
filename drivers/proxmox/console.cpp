#include "drivers/proxmox/console.hpp"

#include <fmt/format.h>

#include <system_error>

#include "base/durable_file.hpp"
#include "drivers/shared/landing_ssh.hpp"

namespace flyt::proxmox {
namespace {

// Waits a minute for QEMU to make the socket, and ends with it.
constexpr std::string_view listener =
    "socket=/run/qemu-server/$1.serial0; left=600; "
    "until [ -S $socket ] && exec socat -u UNIX-CONNECT:$socket -; do "
    "left=$((left - 1)); [ $left -gt 0 ] || exit 1; sleep 0.1; done";

std::vector<std::string> words(const LandingHost& host, const std::string& vmid,
                               const std::filesystem::path& to, const Call& call) {
  std::vector<std::string> there = host.prefix;
  there.insert(there.end(), {"sh", "-c", std::string(listener), "flyt-console", vmid});
  std::vector<std::string> here{"sh", "-c", "exec \"$@\" >>\"$0\"", to.native()};
  for (std::string& word : ssh_words(*host.ssh, {}, there, call)) here.push_back(std::move(word));
  return here;
}

}  // namespace

Status Consoles::listen(const LandingHost& host, const std::string& vmid, const Call& call) {
  FLYT_TRY(make_private_folder(folder_));
  const std::lock_guard lock(mutex_);
  listeners_.erase(vmid);
  std::error_code failed;
  std::filesystem::remove(file(vmid), failed);
  if (failed) return system_error(fmt::format("removing {}", file(vmid).native()), failed.value());
  FLYT_ASSIGN(Process process, Process::start({words(host, vmid, file(vmid), call)}));
  listeners_.insert_or_assign(vmid, std::move(process));
  return ok();
}

Result<ConsoleText> Consoles::read(const LandingHost& host, const std::string& vmid,
                                   const std::string& after, const Call& call) {
  bool listening = false;
  {
    const std::lock_guard lock(mutex_);
    listening = listeners_.contains(vmid);
  }
  if (!listening) FLYT_TRY(listen(host, vmid, call));
  const LandingHost here{"local", {}};
  auto piece = landing_log(here, file(vmid), after, call);
  if (piece) return console_text(*std::move(piece));
  if (piece.error().code != Errc::not_found) return std::move(piece).error();
  return ConsoleText{.known = true, .anew = false, .text = {}, .next = after, .more = false};
}

void Consoles::forget(const std::string& vmid) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(vmid);
  std::error_code ignored;  // a file in the state folder more is no harm
  std::filesystem::remove(file(vmid), ignored);
}

}  // namespace flyt::proxmox
