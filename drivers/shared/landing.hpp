// Landing hosts: where a platform's disk is seen as a file or block device, and served from there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/result.hpp"

namespace flyt {

// How a command gets to the host: words in front of its own. The socket that is served on lies in a
// private folder of ours; a host that is not this machine will have to carry it here.
struct LandingHost {
  std::string name;  // "local", "sudo"
  std::vector<std::string> prefix;
};

// Errc::invalid: no such word. `sudo` never asks for a password.
Result<LandingHost> landing_host(std::string_view word);

struct LandingDisk {
  std::string what;    // starts its errors: "web01: disk 0"
  std::string path;    // absolute, on the host
  std::string format;  // "raw", "qcow2"
  Use use = Use::read;
  Owner owner;
  // Made by this migration: readers and its one writer may be open at the same time. A qcow2 reader
  // does not see what is written after it was opened: read back over a fresh one.
  bool shared = false;
  // A write to a disk that may be empty: where it is, the channel says that it reads as zero.
  bool reads_zero = false;
  std::uint64_t size_bytes = 0;  // another one served is Errc::corrupt; 0: whatever it has
};

// Serves the disk until the channel is closed, or this process ends in whatever way. Excludes all
// others that open it in this way on that host: a writer all but the readers of its own migration
// and epoch, a reader all writers of others. What a lower epoch of the same migration left running
// is ended first, proven by its lock. Errc::denied: a higher epoch holds the disk;
// Errc::unavailable: another one does (`seen`: who), or it cannot be served; Errc::not_found,
// Errc::denied. close() after a write: all of it is on stable storage, or an error; after a read of
// a file that is not `shared`: Errc::corrupt when the file is not the same as when it was opened.
Result<std::unique_ptr<Channel>> open_landing(const LandingHost& host, const LandingDisk& disk,
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

// Whether the image holds nothing but zeroes, by its own tables and the file system's; it may be
// open. Unknown: false.
Result<bool> landing_is_empty(const LandingHost& host, const std::string& path,
                              const std::string& format, const Call& call);

}  // namespace flyt
