// Landing hosts: where a platform's disk is seen as a file or block device, and served from there.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

namespace flyt {

// A host as the user's own OpenSSH client reaches it: with his configuration, agent, known_hosts
// and jump hosts, but never asking anything, and never taking a host key that is not known.
struct Ssh {
  std::string user, host;  // no user: who the configuration says
  std::optional<unsigned> port = {};
  std::filesystem::path config = {};      // `ssh -F`: in place of the user's configuration
  std::vector<std::string> options = {};  // "IdentityFile=/root/.ssh/pve": by `ssh -o`, after ours
  std::chrono::seconds most_silence{30};  // a host that says nothing for so long is given up
};

// "[USER@]HOST[:PORT]", an IPv6 address with a port in brackets. Errc::invalid.
Result<Ssh> ssh_from(std::string_view destination);

class SshMaster;

// How a command gets to the host. A value: copies share the connection for short commands.
struct LandingHost {
  std::string name;                 // as the site says it: "local", "sudo", "ssh:root@kvm1"
  std::vector<std::string> prefix;  // words in front of a command's own, on the host
  std::optional<Ssh> ssh = {};      // none: it is this machine
  std::shared_ptr<SshMaster> questions = {};  // with `ssh`: made by ssh_landing()
};

// "local", "sudo", "ssh:DESTINATION", "ssh+sudo:DESTINATION". `sudo` never asks for a password.
// `ssh_config`: Ssh::config. Errc::invalid: no such word.
Result<LandingHost> landing_host(std::string_view word, std::filesystem::path ssh_config = {});
// For drivers that know the host otherwise. `sudo`: commands run as root by `sudo -n` there.
// Errc::invalid: no host, or a name that ssh or a shell would take for something else.
Result<LandingHost> ssh_landing(Ssh ssh, bool sudo = false);

// Runs a command on the host, without a terminal and with no standard input; argv arrives there as
// it is, whatever the login shell. What the login itself prints is left out of `output`. Any exit
// status of the command is a success. Errors are those of the way there, Errc::denied (key, host
// key, sudo), not_found (no such host, no ssh), unavailable (refused, unreachable, lost) and so on.
// At most 64 KiB of words. By SSH all of them share one connection of ours, as far as they can.
Result<Finished> landing_run(const LandingHost& host, const std::vector<std::string>& argv,
                             const Call& call);

// How a disk that holds nothing yet is known by another sign than its image's map: `script` is run
// there by `sh -c SCRIPT flyt-landing DISK`, while nobody else can write to it.
struct EmptyTest {
  std::string_view script;
  bool (*holds)(std::string_view line);  // the first line that it says
};

struct LandingDisk {
  std::string what;    // starts its errors: "web01: disk 0"
  std::string path;    // absolute, on the host
  std::string format;  // "raw", "qcow2"
  Use use = Use::read;
  Owner owner;
  // Made by this migration: readers and its one writer may be open at the same time. A qcow2 reader
  // does not see what is written after it was opened: read back over a fresh one.
  bool shared = false;
  // Inside a qcow2 image, which a machine that runs may have open: read what it holds. Empty: the
  // disk as it is. REQUIRES: use is read, shared.
  std::string snapshot = {};
  // A write to a disk that may be empty: where it is, the channel says that it reads as zero.
  bool reads_zero = false;
  const EmptyTest* empty_test = nullptr;  // none: by its map, which block devices do not have
  // Another one served is Errc::corrupt; 0: whatever it has. A file's need be no whole number of
  // sectors: it is served with zeroes behind it, and the channel tells its own.
  std::uint64_t size_bytes = 0;
};

// Serves the disk until the channel is closed, or this process ends in whatever way. By SSH one
// connection carries all of it, and its end is the channel's. Excludes all others that open it in
// this way on that host: a writer all but the readers of its own migration and epoch, a reader all
// writers of others. What a lower epoch of the same migration left running, or an opening of this
// process whose connection broke, is ended first, proven by its lock. Errc::denied: a higher epoch
// holds the disk; Errc::unavailable: another one does (`seen`: who), or it cannot be served;
// Errc::not_found, Errc::denied. close() after a write: all of it is on stable storage, or an
// error; after a read of a file that is not `shared`: Errc::corrupt when the file is not the same
// as when it was opened.
Result<std::unique_ptr<Channel>> open_landing(const LandingHost& host, const LandingDisk& disk,
                                              const Call& call);

// Ends all that lower epochs of the migration have open on that host, whichever disk it is, and
// lets them open none there until the host is started again. `what` starts its errors.
// Errc::denied: a higher epoch is or was there; Errc::unavailable: this one has a disk open, or
// something could not be ended.
Status landing_fence(const LandingHost& host, const std::string& what, const Owner& owner,
                     const Call& call);

// A log on the host, piece by piece, without a gap, also where it was rotated meanwhile into
// PATH.0, PATH.1, PATH.2 (as virtlogd does it).
struct LogPiece {
  std::string text;   // at most 1 MiB
  std::string next;   // `after` of the next piece
  bool anew = false;  // a log begins: the first piece, or the log was cut or replaced
  bool more = false;  // than this piece is there already
};
// `after`: where the piece before ended; empty: from the beginning, at most the last 16 MiB.
// Errc::not_found.
Result<LogPiece> landing_log(const LandingHost& host, const std::string& path,
                             const std::string& after, const Call& call);
// As Driver::console() tells it.
ConsoleText console_text(LogPiece piece);
// The log and what became of it by rotation.
std::vector<std::string> log_files(const std::string& path);

// Gone is success.
Status landing_remove(const LandingHost& host, const std::string& path, const Call& call);

// For each path what changes with every write to that file (inode, size, times); empty: no regular
// file, or not to be seen.
Result<std::vector<std::string>> landing_stamps(const LandingHost& host,
                                                const std::vector<std::string>& paths,
                                                const Call& call);

struct LandingSpace {
  std::uint64_t size_bytes = 0, free_bytes = 0;
};
// Of the file system of each folder; nothing where it cannot be seen.
Result<std::vector<std::optional<LandingSpace>>> landing_spaces(
    const LandingHost& host, const std::vector<std::string>& folders, const Call& call);

}  // namespace flyt
