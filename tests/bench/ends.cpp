#include "tests/bench/ends.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "base/nbd_server.hpp"
#include "base/process.hpp"

namespace flyt::bench {

namespace {

[[noreturn]] void fail(const Error& error) {
  throw std::runtime_error(error.what + ": " + error.seen);
}

void ip(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ip");
  if (auto done = check({std::move(arguments)}, {}); !done) fail(done.error());
}

constexpr const char* near_end = "10.213.77.1/30";
constexpr const char* far_end = "10.213.77.2";
constexpr const char* port = "10809";

}  // namespace

End serve(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"nbdkit", "-f", "-U", std::string(nbd_socket)});
  auto server = NbdServer::start({std::move(arguments), {}, "benchmark"}, {});
  if (!server) fail(server.error());
  const auto kept = std::make_shared<NbdServer>(*std::move(server));
  return {kept->uri(), kept->size_bytes(), kept};
}

bool Link::possible() {
  return getuid() == 0 && find_program("ip") && find_program("tc") && find_program("nbdinfo");
}

Link::Link() : name_(fmt::format("flytb{}", getpid())) {
  ip({"netns", "add", name_});
  ip({"link", "add", name_, "type", "veth", "peer", "name", "far", "netns", name_});
  ip({"address", "add", near_end, "dev", name_});
  ip({"link", "set", name_, "up"});
  ip({"-n", name_, "address", "add", std::string(far_end) + "/30", "dev", "far"});
  ip({"-n", name_, "link", "set", "far", "up"});
  const std::vector<std::string> limit = {"tc",   "qdisc",   "add",  "dev",   name_,
                                          "root", "tbf",     "rate", "1gbit", "burst",
                                          "256k", "latency", "50ms"};
  if (auto done = check({limit}, {}); !done) fail(done.error());
}

Link::~Link() {
  // The link goes with the namespace; what fails here, the next boot removes.
  (void)run({{"ip", "netns", "delete", name_}}, {});
}

End Link::serve(std::vector<std::string> arguments, std::uint64_t size_bytes) const {
  arguments.insert(arguments.begin(),
                   {"ip", "netns", "exec", name_, "nbdkit", "-f", "-i", far_end, "-p", port});
  auto started = Process::start({std::move(arguments)});
  if (!started) fail(started.error());
  const auto kept = std::make_shared<Process>(*std::move(started));
  const std::string uri = fmt::format("nbd://{}:{}", far_end, port);
  for (int tries = 0; tries < 200; ++tries) {
    const auto asked = run({{"nbdinfo", "--size", uri}}, {});
    if (asked && asked->status == 0) return {uri, size_bytes, kept};
    if (!kept->running()) throw std::runtime_error("nbdkit: " + kept->errors());
    (void)wait(std::chrono::milliseconds(20), {}, "");  // nobody stops a benchmark
  }
  throw std::runtime_error("nbdkit does not serve on the link");
}

}  // namespace flyt::bench
