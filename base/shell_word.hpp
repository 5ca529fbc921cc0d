// Words of commands that a shell reads: those that are shown to be copied, and those for ssh.
#pragma once

#include <string>
#include <string_view>

namespace flyt {

// What a POSIX shell reads as the one argument `word`, byte for byte; not for the name of the
// command, where a=b would set a variable. Plain words stay as they are, all else stands in single
// quotes, control characters too. REQUIRES: no NUL in it, which no argument can hold.
std::string shell_word(std::string_view word);

}  // namespace flyt
