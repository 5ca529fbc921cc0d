#include "drivers/shared/landing_ssh.hpp"

#include <algorithm>

#include "tests/catch.hpp"

namespace flyt {
namespace {

bool holds(const std::vector<std::string>& words, const std::vector<std::string>& part) {
  return std::search(words.begin(), words.end(), part.begin(), part.end()) != words.end();
}

TEST_CASE("a destination is read as people write it") {
  struct Case {
    const char *text, *user, *host;
    unsigned port;
  };
  for (const Case& one : {Case{"kvm1", "", "kvm1", 0},
                          {"root@kvm1", "root", "kvm1", 0},
                          {"root@kvm1:2222", "root", "kvm1", 2222},
                          {"2001:db8::1", "", "2001:db8::1", 0},
                          {"root@[2001:db8::1]:22", "root", "2001:db8::1", 22},
                          {"[fe80::1%eth0]", "", "fe80::1%eth0", 0},
                          {"a@b@kvm1", "a@b", "kvm1", 0}}) {
    INFO(one.text);
    const auto ssh = ssh_from(one.text);
    REQUIRE(ssh);
    CHECK(ssh->user == one.user);
    CHECK(ssh->host == one.host);
    CHECK(ssh->port.value_or(0) == one.port);
    CHECK(ssh_from(to_string(*ssh))->host == one.host);
  }
  for (const char* text :
       {"", "@kvm1", "root@", "kvm1:", "kvm1:x", "kvm1:0", "kvm1:70000", "[::1", "[::1]x",
        "-oProxyCommand=sh", "-l@kvm1", "a b", "kvm1;reboot", "$(id)@kvm1", "kvm1\n"}) {
    INFO(text);
    const auto ssh = ssh_from(text);
    REQUIRE_FALSE(ssh);
    CHECK(ssh.error().code == Errc::invalid);
    CHECK_FALSE(ssh.error().remedy.empty());
  }
}

TEST_CASE("what the client is told cannot be changed by a configuration") {
  Ssh ssh{"root", "kvm1", 2222};
  ssh.config = "/etc/flyt/ssh config";
  ssh.options = {"StrictHostKeyChecking=no", "IdentityFile=/root/.ssh/pve"};
  const Call call = Call{}.within(std::chrono::seconds{7});
  const auto words = ssh_words(ssh, {"/a/s:/b/s"}, {"true"}, call);
  CHECK(words.front() == "ssh");
  CHECK(holds(words, {"-F", "/etc/flyt/ssh config"}));
  CHECK(holds(words, {"-o", "BatchMode=yes"}));
  CHECK(holds(words, {"-o", "ControlMaster=no", "-o", "ControlPath=none"}));
  CHECK(holds(words, {"-o", "ServerAliveInterval=10"}));
  CHECK(holds(words, {"-o", "ConnectTimeout=7"}));
  CHECK(holds(words, {"-L", "/a/s:/b/s", "-p", "2222", "-l", "root", "--", "kvm1"}));
  // ssh takes the first value that it is given.
  const auto at = [&](const char* word) { return std::find(words.begin(), words.end(), word); };
  CHECK(at("StrictHostKeyChecking=yes") < at("StrictHostKeyChecking=no"));
  CHECK(at("IdentityFile=/root/.ssh/pve") < at("--"));
  CHECK(words.size() == static_cast<std::size_t>(at("--") - words.begin()) + 3);
}

TEST_CASE("a login shell sees nothing that it could take for its own") {
  const std::string word = remote_command({"sh", "-c", "echo 'a' \"$b\" \\ !c\n", "\xff"});
  const std::string before = "exec sh -c 'eval \"$(echo $0 | base64 -d)\"' '";
  REQUIRE(word.starts_with(before));
  CHECK(word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
                               before.size()) == word.size() - 1);
}

TEST_CASE("what ssh prints has a meaning") {
  const Ssh ssh{"root", "kvm1", 2222};
  const Error changed = ssh_error(
      ssh,
      "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.");
  CHECK(changed.code == Errc::denied);
  CHECK(std::count(changed.remedy.begin(), changed.remedy.end(), "ssh-keygen -R '[kvm1]:2222'") ==
        1);
  const Error unknown = ssh_error(ssh, "Host key verification failed.\r\n");
  CHECK(unknown.remedy.back() == "ssh -p 2222 root@kvm1 true");
  CHECK(ssh_error(ssh, "root@kvm1: Permission denied (publickey).").code == Errc::denied);
  CHECK(ssh_error(ssh, "ssh: Could not resolve hostname kvm1: Name or service not known").code ==
        Errc::not_found);
  CHECK(ssh_error(ssh, "ssh: Could not resolve hostname kvm1: Temporary failure in name resolution")
            .code == Errc::unavailable);
  CHECK(ssh_error(ssh, "channel 2: open failed: administratively prohibited: open failed").code ==
        Errc::unsupported);
  CHECK(ssh_error(ssh, "Timeout, server kvm1 not responding.").code == Errc::unavailable);
  const Error other = ssh_error(ssh, "something new");
  CHECK(other.code == Errc::unavailable);
  CHECK(other.seen == "something new");
  CHECK_FALSE(other.remedy.empty());
}

}  // namespace
}  // namespace flyt
