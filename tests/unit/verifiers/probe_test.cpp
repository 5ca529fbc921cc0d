#include "verifiers/probe.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"

namespace {

using flyt::Probe;

// A TCP socket on a free port of this machine; without `listens` connections are refused.
class Server {
 public:
  explicit Server(bool listens) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    if (listens) REQUIRE(::listen(socket_.get(), 1) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
  }
  // Answers one connection with `answer`.
  void serve_once(const std::string& answer) const {
    const flyt::FileDescriptor client(::accept(socket_.get(), nullptr, nullptr));
    char request[4096];
    if (::recv(client.get(), request, sizeof request, 0) <= 0) return;
    (void)::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  std::string target() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  flyt::FileDescriptor socket_;
  unsigned port_ = 0;
};

Probe tcp(std::string target) { return {Probe::Kind::tcp, std::move(target), 200}; }

}  // namespace

TEST_CASE("A host and its port are told apart", "[verifiers]") {
  const auto name = flyt::parse_host_port("web01.example:443");
  REQUIRE(name);
  CHECK(name->host == "web01.example");
  CHECK(name->port == "443");
  const auto six = flyt::parse_host_port("[2001:db8::1]:22");
  REQUIRE(six);
  CHECK(six->host == "2001:db8::1");
  for (const char* bad : {"", "web01", ":80", "web01:", "web01:0", "web01:65536", "web01:8o",
                          "[]:1", "2001:db8::1:22", "web01:123456"}) {
    INFO(bad);
    CHECK_FALSE(flyt::parse_host_port(bad));
  }
}

TEST_CASE("A TCP probe connects or says why not", "[verifiers]") {
  const Server open(true);
  const auto connected = flyt::run_probe(tcp(open.target()), {});
  CHECK(connected.ok);
  CHECK_THAT(connected.seen, Catch::Matchers::StartsWith("connected in "));
  CHECK(connected.probe.target == open.target());

  const Server closed(false);
  const auto refused = flyt::run_probe(tcp(closed.target()), {});
  CHECK_FALSE(refused.ok);
  CHECK_THAT(refused.seen, Catch::Matchers::Contains("refused"));

  const auto unknown = flyt::run_probe(tcp("no-such-host.invalid:80"), {});
  CHECK_FALSE(unknown.ok);
  CHECK_FALSE(unknown.seen.empty());
  CHECK(flyt::run_probe(tcp("nonsense"), {}).seen == "not host:port");
}

TEST_CASE("A probe heeds a stop request and a deadline", "[verifiers]") {
  const Server open(true);
  std::stop_source source;
  source.request_stop();
  const auto stopped = flyt::run_probe(tcp(open.target()), {.stop = source.get_token()});
  CHECK_FALSE(stopped.ok);
  CHECK(stopped.seen == "stopped");
  flyt::Call late;
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds{1};
  CHECK(flyt::run_probe(tcp(open.target()), late).seen == "no answer");
}

TEST_CASE("The agent is not probed but observed", "[verifiers]") {
  const auto result = flyt::run_probe({Probe::Kind::agent, "", 200}, {});
  CHECK_FALSE(result.ok);
  CHECK_FALSE(result.seen.empty());
}

TEST_CASE("An HTTP probe compares the status", "[verifiers]") {
  for (const int expect : {200, 503}) {
    const Server server(true);
    std::jthread answering([&server] {
      server.serve_once("HTTP/1.1 503 Busy\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n");
    });
    const auto result = flyt::run_probe(
        {Probe::Kind::http, fmt::format("http://{}/health", server.target()), expect}, {});
    CHECK(result.ok == (expect == 503));
    CHECK_THAT(result.seen, Catch::Matchers::StartsWith("HTTP 503 in "));
    if (!result.ok) CHECK_THAT(result.seen, Catch::Matchers::EndsWith("expected 200"));
  }
  const Server closed(false);
  const auto refused =
      flyt::run_probe({Probe::Kind::http, fmt::format("http://{}/", closed.target()), 200}, {});
  CHECK_FALSE(refused.ok);
  CHECK_FALSE(refused.seen.empty());
}
