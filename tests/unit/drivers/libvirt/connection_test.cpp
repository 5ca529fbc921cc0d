#include "drivers/libvirt/connection.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <stop_token>
#include <thread>

#include "base/durable_file.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::virt {
namespace {

using std::chrono::milliseconds;

// Takes connections, and says nothing.
FileDescriptor silent_daemon(const std::string& path) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

TEST_CASE("libvirt: a daemon that never answers is left at the deadline or a stop", "[unit]") {
  const tests::TempDir dir;
  const std::string path = dir / "sock";
  const FileDescriptor daemon = silent_daemon(path);
  Connection connection("qemu+unix:///system?socket=" + path);
  const Call soon{{}, std::chrono::steady_clock::now() + milliseconds{50}};
  const auto late = connection.get(soon);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timed_out);

  const FileDescriptor left(::accept(daemon.get(), nullptr, nullptr));
  std::stop_source stop;
  Errc stopped = Errc::internal;
  std::thread first([&] {
    const auto link = connection.get({stop.get_token()});
    if (!link) stopped = link.error().code;
  });
  const FileDescriptor asked(::accept(daemon.get(), nullptr, nullptr));  // it waits by now
  stop.request_stop();
  first.join();
  CHECK(stopped == Errc::cancelled);

  // Nobody waits for another one's attempt longer than he wants.
  std::thread second([&] { (void)connection.get(Call{}.within(milliseconds{200})); });
  const auto third = connection.get(Call{}.within(milliseconds{20}));
  REQUIRE_FALSE(third);
  CHECK(third.error().code == Errc::timed_out);
  second.join();
}

TEST_CASE("libvirt: a daemon that is not there is unavailable at once", "[unit]") {
  const tests::TempDir dir;
  Connection connection("qemu+unix:///system?socket=" + (dir / "none").native());
  for (int i = 0; i < 2; ++i) {
    const auto link = connection.get({});
    REQUIRE_FALSE(link);
    CHECK(link.error().code == Errc::unavailable);
  }
}

}  // namespace
}  // namespace flyt::virt
