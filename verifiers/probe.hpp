// Probes: the only input and output of verifiers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/call.hpp"
#include "verifiers/verifier.hpp"

namespace flyt {

struct HostPort {
  std::string host, port;
};

// "web01:443", "10.0.0.5:22", "[2001:db8::1]:443"; nothing: it is neither.
std::optional<HostPort> parse_host_port(std::string_view text);

// Runs one probe once; thread-safe. One attempt waits at most five seconds for a connection.
ProbeResult run_probe(const Probe& probe, const Call& call);

}  // namespace flyt
