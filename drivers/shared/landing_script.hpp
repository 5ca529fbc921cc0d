// The supervisor of one disk on a landing host.
#pragma once

#include <string_view>

namespace flyt {

// A POSIX shell script for `sh -c SCRIPT flyt-landing ARGUMENTS...`:
//   1 use: read, write      2 disk: path of a file or block device   3 format: raw, qcow2
//   4 migration id          5 epoch                                  6 socket to serve on
//   7 numeric user that may connect    8 clients at once             9 shared: yes, no
// It takes the disk's lock, ends holders of lower epochs, serves with qemu-nbd, and ends when its
// standard input or itself is ended; qemu-nbd holds the lock too, so a lock that is free proves
// that both are gone. Status 0: all that was written is on stable storage. Otherwise the last line
// of standard error is "flyt-landing: WORD: text" with WORD one of newer, busy, changed, not_found,
// denied, unsupported, unavailable.
extern const std::string_view landing_script;

}  // namespace flyt
