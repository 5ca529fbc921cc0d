// Connecting to a TCP port, to use it or to see whether anybody listens.
#pragma once

#include <string>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

// A connected socket, which does not block. `host`: a name or an address, IPv6 without brackets;
// each of its addresses is tried. `port`: a number. Nothing is sent.
// Errors: not_found, no such name; unavailable, nobody listens there; timed_out and cancelled,
// which do not end the resolver's own waiting.
Result<FileDescriptor> tcp_connect(const std::string& host, const std::string& port,
                                   const Call& call);

}  // namespace flyt
