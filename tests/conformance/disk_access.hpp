// Reading and writing an open channel, as a mover would, but all at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/channel.hpp"

namespace flyt::tests {

// By NBD, or as a stream.
Result<std::string> read_disk(Channel& channel);
Result<std::string> read_disk(Channel& channel, std::uint64_t offset, std::uint64_t length);
// By NBD, with a flush.
Status write_disk(Channel& channel, std::uint64_t offset, std::string_view data);

// Bytes that no other seed gives.
std::string noise(std::size_t size, unsigned seed);

}  // namespace flyt::tests
