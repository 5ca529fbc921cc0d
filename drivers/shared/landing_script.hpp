// The supervisor of one disk on a landing host.
#pragma once

#include <string_view>

namespace flyt {

// A POSIX shell script for `sh -c SCRIPT flyt-landing ARGUMENTS...`:
//   1 use: read, write, fence
//   2 disk: path of a file or block device   3 format: raw, qcow2
//   4 migration id          5 epoch          6 socket to serve on
//   7 clients at once       8 shared: yes, no
//   9 look for emptiness: yes, no, or EmptyTest::script
//   10 opening: one word that names this one alone
//   11 over: " WORD WORD ... ", openings whose connection broke
//   12 snapshot inside the image, for reading; empty: the disk itself
// It takes the disk's lock, ends holders of lower epochs and openings that are over, serves with
// qemu-nbd to the owner of the socket's folder, says "flyt-landing: serves MAP" on standard output
// (MAP: the first line of `qemu-img map` or of the test, where it was to look), and ends when its
// standard input or itself is ended; qemu-nbd holds the lock too, so a lock that is free proves
// that both are gone. Status 0: all that was written is on stable storage. Otherwise the last line
// of standard error is "flyt-landing: WORD: text" with WORD one of newer, busy, changed, not_found,
// denied, unsupported, unavailable.
// `fence` looks at 4 and 5 alone: it ends what lower epochs of the migration hold, of any disk, and
// lets them open none any more; what the same or a higher one holds is busy or newer.
extern const std::string_view landing_script;

// A script for `sh -c SCRIPT flyt-landing FOLDER COMMAND...`: runs the command with a private
// folder /tmp/flyt-carried-..., which it makes and removes, and prints an empty line now and then.
extern const std::string_view landing_carrier;

}  // namespace flyt
