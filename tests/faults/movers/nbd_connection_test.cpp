#include "movers/nbd_connection.hpp"

#include <poll.h>

#include <array>
#include <csignal>

#include "tests/catch.hpp"
#include "tests/faults/movers/disks.hpp"

using namespace flyt;
using namespace flyt::tests;

TEST_CASE("A request to a server that is known to be gone is unavailable") {
  Pair pair(block_bytes);
  FileDisk disk(pair.target);
  const auto connected =
      movers::NbdConnection::connect(disk.server.uri(), movers::Side::target, {});
  REQUIRE(connected);
  movers::NbdConnection& connection = **connected;
  disk.server.end(SIGKILL);
  for (int polls = 0; polls < 100 && !connection.dead(); ++polls) {
    pollfd one{connection.fd(), connection.events(), 0};
    if (poll(&one, 1, 100) > 0) connection.notify(one.revents);
  }
  REQUIRE(connection.dead());
  std::array<std::byte, 512> bytes{};
  const Status read = connection.read(0, bytes, {});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::unavailable);
}
