// One child process, started so that it cannot outlive us unnoticed. What process.hpp stands on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

namespace flyt {

struct Spawned {
  pid_t pid = -1;                 // also its process group
  bool by_sudo = false;           // so the group is root's
  FileDescriptor ended;           // a pidfd: readable when it has ended
  FileDescriptor input;           // write end, blocking
  FileDescriptor output, errors;  // read ends, not blocking
};

// The child is forked by a thread that lives as long as this process, since PR_SET_PDEATHSIG
// fires when the forking *thread* ends. It inherits nothing but descriptors 0 to 2.
Result<Spawned> spawn(const Command& command);

// That a program is not on the PATH, with the Debian package that has it where known.
Error not_installed(std::string_view program);

// To its whole group; to one of root's through the same sudo. False: we may not.
bool signal_group(const Spawned& child, int number);
// For a child that got no signal and goes on.
Error left_running(const Spawned& child, Error why);

// Whether it has ended; it stays a zombie, so that its number still means it.
bool has_ended(pid_t pid);
// REQUIRES: has_ended(). The exit status, or 128 + signal.
int reap(pid_t pid);

// write(2) that raises no SIGPIPE.
ssize_t write_quietly(const FileDescriptor& pipe, std::string_view text);
// Writes all. Errc::unavailable when nobody reads any more.
Status write_pipe(const FileDescriptor& pipe, std::string_view text);

// Appends a part of what is there now.
enum class Got : std::uint8_t { some, nothing, end };
Got read_some(const FileDescriptor& pipe, std::string& to);

}  // namespace flyt
