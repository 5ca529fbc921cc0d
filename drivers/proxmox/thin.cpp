#include "drivers/proxmox/thin.hpp"

#include <algorithm>

#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

// "0 2097152 thin 253:4 7 | 0 9 thin-pool 253:2 253:3 128 0 1 ignore_discard | 0 2097152 thin 0 -":
// the volume's table (with a sixth word where it has an origin), its pool's, and its state (sectors
// that are mapped, the highest of them).
bool is_empty(std::string_view line) {
  const auto told = words_of(line, "|");
  if (told.size() != 3) return false;
  const auto volume = words_of(told[0], " "), pool = words_of(told[1], " "),
             state = words_of(told[2], " ");
  if (volume.size() != 5 || volume[0] != "0" || volume[2] != "thin") return false;
  if (pool.size() < 8 || pool[2] != "thin-pool") return false;
  if (std::find(pool.begin(), pool.end(), "skip_block_zeroing") != pool.end()) return false;
  return state.size() == 5 && state[0] == "0" && state[1] == volume[1] && state[2] == "thin" &&
         state[3] == "0" && state[4] == "-";
}

}  // namespace

const EmptyTest thin_test{R"sh(set -eu
number=$(stat -L -c '%t %T' "$1")
about() { dmsetup "$1" -j "$2" -m "$3"; }
volume=$(about table $((0x${number% *})) $((0x${number#* })))
state=$(about status $((0x${number% *})) $((0x${number#* })))
pool=$(echo "$volume" | cut -d ' ' -f 4)
echo "$volume | $(about table "${pool%:*}" "${pool#*:}") | $state"
)sh",
                          is_empty};

}  // namespace flyt::proxmox
