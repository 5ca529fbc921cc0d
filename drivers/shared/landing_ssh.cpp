#include "drivers/shared/landing_ssh.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <iterator>
#include <span>

#include "base/digest.hpp"
#include "base/process.hpp"
#include "base/shell_word.hpp"
#include "drivers/shared/ssh_master.hpp"

namespace flyt {
namespace {

using std::chrono::seconds;

constexpr seconds longest_connect{30};

// Given before everything else, so that no configuration changes them: nobody is there to be asked;
// a host key is known or refused; the command and its streams are what we say; what the client
// prints can be told apart. No connection of the user's own is shared (ControlMaster, below), since
// it would live and die with another process, and keep a forwarded socket after our end.
constexpr std::array<std::string_view, 8> settings{
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "ExitOnForwardFailure=no",  // the user's own forwards may be taken
    "ForwardAgent=no",
    "ForwardX11=no",
    "LogLevel=INFO"};

// As ssh itself is stricter about user names than the shells that ProxyCommand may start.
bool harmless(std::string_view name) {
  return !name.starts_with('-') && !name.ends_with('\\') &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
                  std::string_view("'`\"$;&<>|(){}").find(c) != std::string_view::npos;
         });
}

constexpr std::string_view fast_cipher = "Ciphers=^aes128-gcm@openssh.com";

// The line that `ssh -G` says of them; nothing where it cannot.
std::string ciphers_of(std::vector<std::string> words, const Call& call) {
  const auto asked = run({std::move(words)}, call);
  if (!asked || asked->status != 0) return {};
  const auto at = asked->output.find("\nciphers ");
  if (at == std::string::npos) return {};
  return asked->output.substr(at, asked->output.find('\n', at + 1) - at);
}

struct Meaning {
  std::string_view seen;
  Errc code;
  std::string_view what, why;
  enum class Remedy : std::uint8_t {
    none,
    by_hand,
    key,
    known_host,
    changed_host,
    forwarding
  } remedy = Remedy::none;
};
using Remedy = Meaning::Remedy;

// The first one whose words were seen.
constexpr std::array<Meaning, 22> meanings{{
    {"HOST IDENTIFICATION HAS CHANGED", Errc::denied, "has another host key than the known one",
     "it was installed anew, or somebody else answers in its place", Remedy::changed_host},
    {"Host key verification failed", Errc::denied, "has a host key that is not known",
     "nobody has connected to it from this account yet", Remedy::known_host},
    {"Too many authentication failures", Errc::denied, "lets nobody in",
     "the agent offers too many keys before the right one", Remedy::key},
    {"Permission denied (", Errc::denied, "lets this user not in",
     "the key is not in its authorized_keys, is not in the agent, or is another user's",
     Remedy::key},
    {"Bad configuration option", Errc::invalid, "cannot be reached: ssh refuses its configuration",
     ""},
    {"Bad owner or permissions on", Errc::invalid,
     "cannot be reached: ssh refuses its configuration", "others may write to that file"},
    {"Can't open user config file", Errc::invalid, "cannot be reached: ssh has no configuration",
     "ssh_config names a file that is not there"},
    {"Temporary failure in name resolution", Errc::unavailable, "is not found for now",
     "no name server answers"},
    {"Could not resolve hostname", Errc::not_found, "is not found: there is no host of that name",
     ""},
    {"Connection refused", Errc::unavailable, "refuses the connection",
     "no sshd runs there, or it listens on another port"},
    {"Connection timed out", Errc::unavailable, "does not answer",
     "it is down, or a firewall drops the packets", Remedy::by_hand},
    {"Operation timed out", Errc::unavailable, "does not answer",
     "it is down, or a firewall drops the packets", Remedy::by_hand},
    {"No route to host", Errc::unavailable, "cannot be reached",
     "it is down, or in another network"},
    {"Network is unreachable", Errc::unavailable, "cannot be reached",
     "no route leads to its network"},
    {"not responding", Errc::unavailable, "has fallen silent: the SSH connection was given up",
     "the network was cut, or the host hangs"},
    {"closed by remote host", Errc::unavailable, "has closed the SSH connection",
     "sshd or the host was ended"},
    {"Connection reset", Errc::unavailable, "has broken off the SSH connection",
     "sshd or the host was ended"},
    {"Connection closed by", Errc::unavailable, "has closed the SSH connection",
     "its sshd, or a jump host, takes no more of them"},
    {"Broken pipe", Errc::unavailable, "has broken off the SSH connection", "the network was cut"},
    {"banner exchange", Errc::unavailable, "does not speak SSH",
     "something else listens on that port"},
    // Last: who has lost the connection reads this of the sockets as well.
    {"administratively prohibited", Errc::unsupported, "does not let sockets be forwarded",
     "AllowStreamLocalForwarding or DisableForwarding of its sshd, or the key's options, forbid it",
     Remedy::forwarding},
    {"open failed: connect failed", Errc::unsupported, "does not let sockets be forwarded",
     "AllowStreamLocalForwarding or DisableForwarding of its sshd, or the key's options, forbid it",
     Remedy::forwarding},
}};

std::string host_and_port(const Ssh& ssh) {
  return ssh.port ? fmt::format("[{}]:{}", ssh.host, *ssh.port) : ssh.host;
}

// What a person types to see for himself.
std::string by_hand(const Ssh& ssh) {
  std::string text = "ssh";
  if (!ssh.config.empty()) text += fmt::format(" -F {}", ssh.config.native());
  for (const std::string& option : ssh.options) text += fmt::format(" -o {}", option);
  if (ssh.port) text += fmt::format(" -p {}", *ssh.port);
  return text + " " + (ssh.user.empty() ? "" : ssh.user + "@") + ssh.host + " true";
}

std::vector<std::string> remedies(const Ssh& ssh, Remedy remedy) {
  switch (remedy) {
    case Remedy::none:
      return {};
    case Remedy::by_hand:
      return {by_hand(ssh)};
    case Remedy::key:
      return {"see that this gets in without asking anything:", by_hand(ssh)};
    case Remedy::known_host:
      return {"run this once by hand, and compare the fingerprint with the host's own",
              by_hand(ssh)};
    case Remedy::changed_host:
      return {"ask who runs the host whether its key was changed; only then take the old one out",
              fmt::format("ssh-keygen -R '{}'", host_and_port(ssh)), by_hand(ssh)};
    case Remedy::forwarding:
      return {
          "set AllowStreamLocalForwarding yes in its sshd_config, and take \"restrict\" and "
          "\"no-port-forwarding\" away from the key in authorized_keys"};
  }
  return {};
}

}  // namespace

std::string to_string(const Ssh& ssh) {
  const std::string user = ssh.user.empty() ? "" : ssh.user + "@";
  if (!ssh.port) return user + ssh.host;
  if (ssh.host.find(':') == std::string::npos) {
    return fmt::format("{}{}:{}", user, ssh.host, *ssh.port);
  }
  return fmt::format("{}[{}]:{}", user, ssh.host, *ssh.port);
}

Result<Ssh> ssh_from(std::string_view destination) {
  const Error wrong{Errc::invalid,
                    fmt::format("\"{}\" is no host for ssh", destination),
                    "",
                    "",
                    "",
                    {"write [USER@]HOST[:PORT]: root@kvm1, root@kvm1:2222, root@[2001:db8::1]:22"}};
  Ssh ssh;
  std::string_view rest = destination;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    ssh.user = rest.substr(0, at);
    if (ssh.user.empty()) return wrong;
    rest.remove_prefix(at + 1);
  }
  std::string_view port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return wrong;
    ssh.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    has_port = rest.starts_with(':');
    if (!has_port && !rest.empty()) return wrong;
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = rest.find(':');
    has_port = colon != std::string_view::npos && colon == rest.rfind(':');
    ssh.host = has_port ? rest.substr(0, colon) : rest;
    if (has_port) port = rest.substr(colon + 1);
  }
  if (has_port) {
    unsigned number = 0;
    const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size()) return wrong;
    ssh.port = number;
  }
  if (!ssh_landing(ssh)) return wrong;
  return ssh;
}

Result<LandingHost> ssh_landing(Ssh ssh, bool sudo) {
  const bool port_fits = !ssh.port || (*ssh.port > 0 && *ssh.port < 65536);
  if (ssh.host.empty() || !harmless(ssh.host) || ssh.host.find('@') != std::string::npos ||
      !harmless(ssh.user) || !port_fits) {
    return Error{Errc::invalid, fmt::format("\"{}\" is no host for ssh", to_string(ssh))};
  }
  LandingHost host{(sudo ? "ssh+sudo:" : "ssh:") + to_string(ssh), {}, ssh};
  host.questions = std::make_shared<SshMaster>(std::move(ssh));
  if (sudo) host.prefix = {"sudo", "-n", "--"};
  return host;
}

Ssh with_fast_cipher(Ssh ssh, const Call& call) {
  std::vector<std::string> words{"ssh", "-G"};
  if (!ssh.config.empty()) words.insert(words.end(), {"-F", ssh.config.native()});
  for (const std::string& option : ssh.options) words.insert(words.end(), {"-o", option});
  if (!ssh.user.empty()) words.insert(words.end(), {"-l", ssh.user});
  words.insert(words.end(), {"--", ssh.host});
  const std::string chosen = ciphers_of(words, call);
  const std::string usual = ciphers_of({"ssh", "-G", "-F", "none", "--", ssh.host}, call);
  if (!usual.empty() && chosen == usual) ssh.options.emplace_back(fast_cipher);
  return ssh;
}

std::vector<std::string> ssh_words(const Ssh& ssh, const std::vector<std::string>& forwards,
                                   const std::vector<std::string>& argv, const Call& call,
                                   const std::optional<SshControl>& control) {
  const auto left =
      std::chrono::ceil<seconds>(std::min<std::chrono::nanoseconds>(call.left(), longest_connect));
  // Asked three times, and given up when it says nothing to the last one either.
  const auto ask_every = std::max(seconds(1), ssh.most_silence / 3);
  std::vector<std::string> words{"ssh", "-T", "-e", "none"};
  if (!ssh.config.empty()) words.insert(words.end(), {"-F", ssh.config.native()});
  const auto set = [&](std::string option) {
    words.insert(words.end(), {"-o", std::move(option)});
  };
  for (const std::string_view setting : settings) set(std::string(setting));
  set(control && control->master ? "ControlMaster=yes" : "ControlMaster=no");
  set("ControlPath=" + (control ? control->socket.native() : "none"));
  set("ControlPersist=no");
  set(fmt::format("ConnectTimeout={}", std::max<seconds::rep>(1, left.count())));
  set(fmt::format("ServerAliveInterval={}", ask_every.count()));
  set("ServerAliveCountMax=3");
  for (const std::string& option : ssh.options) set(option);
  for (const std::string& forward : forwards) words.insert(words.end(), {"-L", forward});
  if (ssh.port) words.insert(words.end(), {"-p", std::to_string(*ssh.port)});
  if (!ssh.user.empty()) words.insert(words.end(), {"-l", ssh.user});
  words.insert(words.end(), {"--", ssh.host, remote_command(argv)});
  return words;
}

std::string remote_command(const std::vector<std::string>& argv) {
  std::string line = fmt::format("echo; echo '{}'; exec", landing_begins);
  for (const std::string& word : argv) line += " " + shell_word(word);
  // Shells differ in what they do to quotes, backslashes, line ends and exclamation marks, so none
  // of these is theirs to see.
  return fmt::format("exec sh -c 'eval \"$(echo $0 | base64 -d)\"' '{}'",
                     to_base64(std::as_bytes(std::span(line))));
}

Error ssh_error(const Ssh& ssh, std::string seen) {
  const auto* meaning = std::find_if(meanings.begin(), meanings.end(), [&](const Meaning& one) {
    return seen.find(one.seen) != std::string::npos;
  });
  if (meaning == meanings.end()) {
    return {Errc::unavailable,
            fmt::format("the SSH connection to {} ended", to_string(ssh)),
            std::move(seen),
            "",
            "",
            {by_hand(ssh)}};
  }
  Error error{meaning->code, fmt::format("{} {}", to_string(ssh), meaning->what), std::move(seen),
              std::string(meaning->why)};
  error.remedy = remedies(ssh, meaning->remedy);
  return error;
}

}  // namespace flyt
