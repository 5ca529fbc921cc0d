// The connections and the memory of one call of the mover.
#pragma once

#include <memory>
#include <vector>

#include "base/channel.hpp"
#include "movers/block_pool.hpp"
#include "movers/loop.hpp"
#include "movers/nbd_connection.hpp"

namespace flyt::movers {

using Connections = std::vector<std::unique_ptr<NbdConnection>>;

// One connection to a channel's server; Errc::corrupt when the server has less than the channel
// says.
Result<Connections> connect(const Channel& channel, Side side, const Call& call);

// The same for a target that is to hold `length` bytes. Errc::invalid when it is smaller,
// Errc::unsupported when it cannot flush.
Result<Connections> connect_target(const Channel& channel, std::uint64_t length, const Call& call);

// Makes the target read as zero behind `length`, where it does not, and looks again.
Status zero_tail(NbdConnection& target, std::uint64_t length, const Call& call);

// Runs `pass` over `sources` and, if it writes, `targets`: one loop for each core, up to four,
// where the servers take several connections. The first error of the pass is not looked at.
Status run_loops(PassState& pass, const Channel& source, Connections& sources,
                 const Channel* target, Connections* targets);

// Whether [begin, end) of the disk reads as zero. What the server's map calls zero is not read.
Result<bool> reads_zero(NbdConnection& disk, Range range, const Call& call);

}  // namespace flyt::movers
