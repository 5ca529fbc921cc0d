// The script that looks at a thin volume, with a dmsetup that is none.
#include "drivers/proxmox/thin.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::proxmox {
namespace {

// Answers for the volume, which as a file has the numbers 0 and 0, and for its pool, 253:4.
constexpr std::string_view dmsetup = R"(#!/bin/sh
case "$*" in
    'table -j 0 -m 0') echo '0 8192 thin 253:4 7' ;;
    'status -j 0 -m 0') echo '0 8192 thin 'STATE ;;
    'table -j 253 -m 4') echo '0 999 thin-pool 253:2 253:3 128 0 0 ' ;;
    *) echo 'Device does not exist.' >&2; exit 1 ;;
esac
)";

TEST_CASE("a thin volume is looked at through its device's numbers", "[proxmox]") {
  const tests::TempDir dir;
  const auto reads_zero = [&](const std::string& state) {
    std::string program(dmsetup);
    program.replace(program.find("STATE"), 5, "'" + state + "'");
    std::ofstream(dir / "dmsetup") << program;
    std::filesystem::permissions(dir / "dmsetup", std::filesystem::perms::owner_all);
    std::ofstream(dir / "volume") << "";
    std::filesystem::resize_file(dir / "volume", 4 << 20);
    LandingHost host = *landing_host("local");
    host.prefix = {"env",
                   fmt::format("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", dir.path().native())};
    LandingDisk disk{
        "web01: disk 0", dir / "volume", "raw", Use::write, {tests::proxmox_spec("thin").owner}};
    disk.reads_zero = true;
    disk.empty_test = &thin_test;
    const auto channel = open_landing(host, disk, {});
    if (!channel) FAIL(tests::told_whole(channel.error()));
    const bool says = (*channel)->info().reads_zero;
    CHECK((*channel)->close({}).has_value());
    return says;
  };
  CHECK(reads_zero("0 -"));
  CHECK_FALSE(reads_zero("128 127"));
}

}  // namespace
}  // namespace flyt::proxmox
