// What landing hosts need of OpenSSH: words for the client, one for the login shell, and what its
// failures mean.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt {

// Printed, alone in its line, after all that the login prints and before what the command does.
inline constexpr std::string_view landing_begins = "flyt-landing: begins";

// A connection that several clients share: one of them makes it.
struct SshControl {
  std::filesystem::path socket;
  bool master = false;
};

// The client's command line: `forwards` are given with -L ("LOCAL:REMOTE"); `argv` is run there
// after the line above. The connection gets as long as `call` has left, at most 30 s.
std::vector<std::string> ssh_words(const Ssh& ssh, const std::vector<std::string>& forwards,
                                   const std::vector<std::string>& argv, const Call& call,
                                   const std::optional<SshControl>& control = std::nullopt);

// The same host with the faster cipher first, for a connection that carries a disk: AES by the
// processor's own instructions halves what ssh costs. Only where nobody has chosen the ciphers
// himself; asks the client what it would do, and connects nowhere.
Ssh with_fast_cipher(Ssh ssh, const Call& call);

// One word that every login shell (sh, bash, zsh, csh, fish) takes for "run argv". The only place
// where words are put together for another host.
std::string remote_command(const std::vector<std::string>& argv);

// Why the client gave up, from what it printed. Errc::unavailable where that is not known.
Error ssh_error(const Ssh& ssh, std::string seen);

// "[USER@]HOST[:PORT]", as ssh_from() reads it.
std::string to_string(const Ssh& ssh);

}  // namespace flyt
