#include "drivers/shared/ssh_master.hpp"

#include <string>

#include "drivers/shared/landing_host.hpp"
#include "drivers/shared/landing_ssh.hpp"

namespace flyt {

Result<std::optional<std::filesystem::path>> SshMaster::socket(const Call& call) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return std::optional<std::filesystem::path>();
  if (!process_ || !process_->running()) FLYT_TRY(connect(call));
  return std::optional(folder_->path() / "s");
}

Status SshMaster::connect(const Call& call) {
  process_.reset();
  folder_.reset();
  FLYT_ASSIGN(PrivateFolder folder, PrivateFolder::make("flyt-ssh"));
  // It stays until its input ends; the client listens before it starts that.
  const SshControl control{folder.path() / "s", true};
  FLYT_ASSIGN(Process process, Process::start({ssh_words(ssh_, {}, {"cat"}, call, control)}));
  std::string login;
  for (;;) {
    FLYT_ASSIGN(const auto line, process.read_line(call));
    if (!line) break;
    if (*line == landing_begins) {
      folder_.emplace(std::move(folder));
      process_.emplace(std::move(process));
      return ok();
    }
    login += *line + "\n";
  }
  (void)process.wait(call.within(std::chrono::seconds(2)));  // its errors come before its end
  if (login.empty()) return ssh_error(ssh_, process.errors());
  return runs_nothing(ssh_, login + process.errors());
}

}  // namespace flyt
