#include "verifiers/probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <span>
#include <system_error>

#include "base/durable_file.hpp"
#include "base/http.hpp"

namespace flyt {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds patience{5};
constexpr milliseconds slice{100};  // how late a stop request may be noticed

std::string system_text(int number) { return std::system_category().message(number); }

// Empty: go on.
std::string given_up_on(const Call& call) {
  const Status status = proceed(call, "probe");
  if (status) return {};
  return status.error().code == Errc::cancelled ? "stopped" : "no answer";
}

// Empty: connected.
std::string wait_connected(int socket, const Call& call) {
  while (true) {
    if (std::string given_up = given_up_on(call); !given_up.empty()) return given_up;
    pollfd one{.fd = socket, .events = POLLOUT, .revents = 0};
    const auto left = std::chrono::duration_cast<milliseconds>(call.left());
    const auto wait = std::clamp(left, milliseconds{1}, slice);
    const int ready = ::poll(&one, 1, static_cast<int>(wait.count()));
    if (ready < 0 && errno != EINTR) return system_text(errno);
    if (ready <= 0) continue;
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    return error == 0 ? std::string() : system_text(error);
  }
}

// Empty: connected.
std::string connect_to(const addrinfo& address, const Call& call) {
  const FileDescriptor socket(::socket(
      address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (!socket) return system_text(errno);
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return system_text(errno);
  return wait_connected(socket.get(), call);
}

std::string taken(std::chrono::steady_clock::time_point since) {
  const auto now = std::chrono::steady_clock::now();
  return fmt::format("{} ms", std::chrono::duration_cast<milliseconds>(now - since).count());
}

ProbeResult probe_tcp(const Probe& probe, const Call& call) {
  const auto target = parse_host_port(probe.target);
  if (!target) return {probe, false, "not host:port"};
  if (std::string given_up = given_up_on(call); !given_up.empty()) return {probe, false, given_up};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const auto begin = std::chrono::steady_clock::now();
  const int code = ::getaddrinfo(target->host.c_str(), target->port.c_str(), &hints, &list);
  if (code != 0) return {probe, false, ::gai_strerror(code)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  std::string seen = "no address";
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    seen = connect_to(*one, call);
    if (seen.empty()) return {probe, true, fmt::format("connected in {}", taken(begin))};
  }
  return {probe, false, seen};
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
