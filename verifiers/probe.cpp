#include "verifiers/probe.hpp"

#include <fmt/format.h>

#include <chrono>
#include <span>

#include "base/http.hpp"
#include "base/tcp_connect.hpp"

namespace flyt {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds patience{5};

std::string taken(std::chrono::steady_clock::time_point since) {
  const auto now = std::chrono::steady_clock::now();
  return fmt::format("{} ms", std::chrono::duration_cast<milliseconds>(now - since).count());
}

ProbeResult probe_tcp(const Probe& probe, const Call& call) {
  const auto target = parse_host_port(probe.target);
  if (!target) return {probe, false, "not host:port"};
  const auto begin = std::chrono::steady_clock::now();
  const auto connected = tcp_connect(target->host, target->port, call);
  if (connected) return {probe, true, fmt::format("connected in {}", taken(begin))};
  const Error& error = connected.error();
  if (error.code == Errc::cancelled) return {probe, false, "stopped"};
  return {probe, false, error.code == Errc::timed_out ? "no answer" : error.seen};
}

ProbeResult probe_http(const Probe& probe, const Call& call) {
  Http http(HttpTrust{}, patience);
  HttpRequest request;
  request.url = probe.target;
  request.download = [](std::span<const std::byte>) { return ok(); };
  const auto begin = std::chrono::steady_clock::now();
  const auto response = http.request(request, call);
  if (!response) {
    const Error& error = response.error();
    return {probe, false, error.seen.empty() ? error.what : error.seen};
  }
  std::string seen = fmt::format("HTTP {} in {}", response->status, taken(begin));
  const bool as_expected = response->status == probe.expect;
  if (!as_expected) seen += fmt::format(", expected {}", probe.expect);
  return {probe, as_expected, std::move(seen)};
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) return std::nullopt;
  if (host.empty() || port.empty() || port.size() > 5) return std::nullopt;
  unsigned number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  if (number == 0 || number > 65535) return std::nullopt;
  return HostPort{std::string(host), std::string(port)};
}

ProbeResult run_probe(const Probe& probe, const Call& call) {
  switch (probe.kind) {
    case Probe::Kind::tcp:
      return probe_tcp(probe, call.within(patience));
    case Probe::Kind::http:
      return probe_http(probe, call.within(2 * patience));
    case Probe::Kind::agent:
      return {probe, false, "judged from what the platform says of the guest agent"};
  }
  return {probe, false, "no such kind of probe"};
}

}  // namespace flyt
