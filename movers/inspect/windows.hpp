// What only a Windows guest has: its volume's state, its registry. Everything is read, nothing is
// written.
#pragma once

#include <string>

#include "movers/inspect/facts.hpp"
#include "movers/inspect/guestfish.hpp"

namespace flyt::inspection {

// How Windows has left the volume that it lies on. REQUIRES: nothing is mounted; `root` comes from
// inspect-os.
Result<Windows> look_at_windows_volume(Guestfish& fish, const std::string& root, const Call& call);

// Adds the rest. REQUIRES: that volume is mounted at "/". What cannot be read, such as a damaged
// hive, is left as it is.
Status look_at_windows(Guestfish& fish, const std::string& root, Windows& windows,
                       const Call& call);

}  // namespace flyt::inspection
