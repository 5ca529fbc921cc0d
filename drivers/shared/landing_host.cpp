#include "drivers/shared/landing_host.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/shared/landing_ssh.hpp"
#include "drivers/shared/ssh_master.hpp"

namespace flyt {
namespace {

// sshd hands all words to the login shell as one argument of at most 128 KiB, in base64.
constexpr std::size_t most_words = std::size_t{64} << 10;
constexpr int ssh_failed = 255;

bool by_sudo(const LandingHost& host) {
  return !host.prefix.empty() && host.prefix.front() == "sudo";
}

// What follows the line that ends the login's own.
Result<Finished> without_login(const LandingHost& host, Finished finished) {
  const std::string line = fmt::format("\n{}\n", landing_begins);
  const auto at = finished.output.find(line);
  if (at != std::string::npos) {
    finished.output.erase(0, at + line.size());
    return finished;
  }
  std::string seen = finished.output + finished.errors;
  if (finished.status == ssh_failed) return ssh_error(*host.ssh, std::move(finished.errors));
  return runs_nothing(*host.ssh, std::move(seen));
}

}  // namespace

Result<LandingHost> landing_host(std::string_view word, std::filesystem::path ssh_config) {
  if (word == "local") return LandingHost{"local", {}};
  if (word == "sudo") return LandingHost{"sudo", {"sudo", "-n", "--"}};
  for (const std::string_view way : {"ssh:", "ssh+sudo:"}) {
    if (!word.starts_with(way)) continue;
    FLYT_ASSIGN(Ssh ssh,
                within(fmt::format("landing = \"{}\"", word), ssh_from(word.substr(way.size()))));
    ssh.config = std::move(ssh_config);
    return ssh_landing(std::move(ssh), way != "ssh:");
  }
  return Error{Errc::invalid,
               fmt::format("landing = \"{}\": there is no such way", word),
               "",
               "",
               "",
               {"use \"local\", \"sudo\", \"ssh:USER@HOST\" or \"ssh+sudo:USER@HOST\""}};
}

Error landing_error(const LandingHost& host, Error error, std::string_view what) {
  if (error.code == Errc::cancelled || error.code == Errc::timed_out ||
      error.code == Errc::corrupt) {
    return error;
  }
  if (by_sudo(host) && error.seen.find("sudo:") != std::string::npos) {
    return {Errc::denied, fmt::format("{}: sudo refuses", what), std::move(error.seen),
            "this user may not run commands as root without a password"};
  }
  // A program that is not there was never started, and printed nothing.
  if (!host.ssh || error.code == Errc::not_found) return error;
  return ssh_error(*host.ssh, std::move(error.seen)).within(what);
}

Error runs_nothing(const Ssh& ssh, std::string seen) {
  return {Errc::denied,
          fmt::format("{} runs no commands of ours", to_string(ssh)),
          std::move(seen),
          "the login shell ends, the key forces another command, or there is no sh or base64",
          "",
          {"log in with a user who has a shell there"}};
}

std::string as_root(const LandingHost& host) {
  return fmt::format("set landing = \"{}\"",
                     host.ssh ? "ssh+sudo:" + to_string(*host.ssh) : std::string("sudo"));
}

Result<Finished> landing_run(const LandingHost& host, const std::vector<std::string>& argv,
                             const Call& call) {
  std::vector<std::string> words = host.prefix;
  words.insert(words.end(), argv.begin(), argv.end());
  if (host.ssh) {
    std::size_t length = 0;
    for (const std::string& word : words) length += word.size();
    if (length > most_words) {
      return Error{Errc::internal, fmt::format("{} bytes of words for a command", length)};
    }
    std::optional<SshControl> control;
    if (host.questions) {
      FLYT_ASSIGN(const auto shared, host.questions->socket(call));
      if (shared) control = SshControl{*shared};
    }
    words = ssh_words(*host.ssh, {}, words, call, control);
  }
  FLYT_ASSIGN(Finished finished, run({std::move(words)}, call));
  if (host.ssh) {
    FLYT_ASSIGN(finished, without_login(host, std::move(finished)));
    // Also after the command has begun: the connection was lost.
    if (finished.status == ssh_failed) return ssh_error(*host.ssh, std::move(finished.errors));
  }
  const bool refused = by_sudo(host) && finished.status == 1 && finished.output.empty() &&
                       finished.errors.find("sudo:") != std::string::npos;
  if (refused) {
    return landing_error(host, Error{Errc::denied, "sudo refuses", std::move(finished.errors)},
                         host.name);
  }
  return finished;
}

}  // namespace flyt
