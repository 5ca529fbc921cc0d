// What a source tells of its own bytes, so that not all has to be read, is a claim: some of it is
// looked at before anything is built on it.
#pragma once

#include "movers/manifest.hpp"
#include "movers/mover.hpp"
#include "movers/nbd_connection.hpp"

namespace flyt::movers {

// What a copy has to read: what `source` does not call empty. What it does call empty is looked at
// at both ends and in 8 to 62 places of 64 KiB at random, as it is large; where one is not zero,
// and by CopyRequest::distrust, it is all of the disk. Sets CopyReport::wrong_map.
Result<ExtentList> data_of(const CopyRequest& request, NbdConnection& source, CopyReport& report,
                           const Call& call);

// Makes void what the manifest says to be zero, since the map may have been wrong before; seals it.
Status forget_zeroes(Manifest& manifest);

// Whether of some blocks at random, one in 32, at least 2 and at most 64, those that `changed` does
// not touch are as the manifest says that the source had them.
Result<bool> rest_is_same(const CopyRequest& request, NbdConnection& source,
                          const Manifest& manifest, const ExtentList& changed, const Call& call);

}  // namespace flyt::movers
