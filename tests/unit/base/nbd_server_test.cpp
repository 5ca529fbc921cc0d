#include "base/nbd_server.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/process.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

NbdServerSpec memory_server(const std::string& size) {
  return {{"nbdkit", "-f", "-U", std::string(nbd_socket), "memory", size}, {}, "disk 0"};
}

bool missing() { return !find_program("nbdkit"); }

}  // namespace

TEST_CASE("an NBD server tells what it serves, and ends once") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  auto server = NbdServer::start(memory_server("12345"), {});
  REQUIRE(server);
  CHECK(server->size_bytes() == 12345);
  CHECK_FALSE(server->read_only());
  CHECK(server->uri().find("nbd+unix:///?socket=") == 0);
  CHECK(server->end());
  CHECK(server->end());
}

TEST_CASE("a read-only export and an empty one are served") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  NbdServerSpec spec = memory_server("0");
  spec.argv.insert(spec.argv.begin() + 1, "-r");
  auto server = NbdServer::start(spec, {});
  REQUIRE(server);
  CHECK(server->size_bytes() == 0);
  CHECK(server->read_only());
}

TEST_CASE("qemu-nbd serves as well") {
  if (!find_program("qemu-nbd")) FLYT_SKIP("qemu-nbd is not installed");
  const tests::TempDir folder;
  std::ofstream(folder / "disk") << std::string(4096, 'x');
  auto server = NbdServer::start(
      {{"qemu-nbd", "-t", "-k", std::string(nbd_socket), "-f", "raw", "-e", "4", folder / "disk"},
       {},
       "disk 0"},
      {});
  REQUIRE(server);
  CHECK(server->size_bytes() == 4096);
  CHECK(server->end());
}

TEST_CASE("a server that ends before it serves says why") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  NbdServerSpec spec = memory_server("12345");
  spec.argv.back() = "size=rubbish";
  const auto server = NbdServer::start(spec, {});
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Errc::unavailable);
  CHECK(server.error().what.find("disk 0: ") == 0);
  CHECK(server.error().seen.find("rubbish") != std::string::npos);
}

TEST_CASE("a server that refuses the export says why") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  const tests::TempDir folder;
  const NbdServerSpec spec{
      {"nbdkit", "-f", "-U", std::string(nbd_socket), "sh", folder / "plugin"}, {}, "disk 0"};
  std::ofstream(folder / "plugin")
      << "#!/bin/sh\ncase \"$1\" in\nopen) echo EIO broken lease >&2; exit 1;;\n"
         "get_size) echo 512;;\n*) exit 2;;\nesac\n";
  std::filesystem::permissions(folder / "plugin", std::filesystem::perms::owner_all);
  const auto server = NbdServer::start(spec, {});
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Errc::unavailable);
}

TEST_CASE("a program that is not there is not found") {
  const auto server = NbdServer::start({{"no-such-nbd-server"}, {}, "disk 0"}, {});
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Errc::not_found);
}

TEST_CASE("a server that never serves is given up at the deadline") {
  const auto server = NbdServer::start({{"sleep", "1000"}, {}, "disk 0"},
                                       Call{}.within(std::chrono::milliseconds(50)));
  REQUIRE_FALSE(server);
  CHECK(server.error().code == Errc::timed_out);
}

TEST_CASE("closing a channel releases once and reports how the server ended") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  int released = 0;
  pid_t pid = 0;
  NbdChannelSpec spec{memory_server("4096")};
  spec.started = [&](int started) {
    pid = started;
    return ok();
  };
  spec.released = [&] {
    ++released;
    return ok();
  };
  {
    auto channel = open_nbd_channel(spec, {});
    REQUIRE(channel);
    CHECK((*channel)->info().size_bytes == 4096);
    CHECK((*channel)->close({}));
    CHECK((*channel)->close({}));
  }
  CHECK(released == 1);
  auto killed = open_nbd_channel(spec, {});
  REQUIRE(killed);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  const Status closed = (*killed)->close({});
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code == Errc::unavailable);
  CHECK(released == 2);
  { REQUIRE(open_nbd_channel(spec, {})); }
  CHECK(released == 3);
}

TEST_CASE("closing a channel stops on demand, and leaves the server to flush") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  const tests::TempDir folder;
  const std::string flushed = folder / "flushed";
  int released = 0;
  NbdChannelSpec spec;
  spec.server.what = "disk 0";
  spec.server.argv = {"sh", "-c",
                      "trap : TERM; nbdkit -f -U {socket} memory 4096 & while [ ! -e " + flushed +
                          " ]; do sleep 0.02; done; kill $! 2>/dev/null; exit 0"};
  spec.released = [&] {
    ++released;
    return ok();
  };
  auto channel = open_nbd_channel(spec, {});
  REQUIRE(channel);
  std::stop_source source;
  source.request_stop();
  const Status stopped = (*channel)->close({source.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
  CHECK(stopped.error().state == "whether the last writes are safe is not known");
  const Status late = (*channel)->close(Call{}.within(std::chrono::milliseconds(5)));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timed_out);
  CHECK(released == 0);
  std::ofstream(flushed) << "";
  CHECK((*channel)->close({}));
  CHECK(released == 1);
}

TEST_CASE("a channel of another size than was stated is corrupt, and released") {
  if (missing()) FLYT_SKIP("nbdkit is not installed");
  bool released = false;
  NbdChannelSpec spec{memory_server("4096")};
  spec.info.size_bytes = 8192;
  spec.released = [&] {
    released = true;
    return ok();
  };
  const auto channel = open_nbd_channel(spec, {});
  REQUIRE_FALSE(channel);
  CHECK(channel.error().code == Errc::corrupt);
  CHECK(released);
}

}  // namespace flyt
