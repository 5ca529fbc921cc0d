#include "drivers/proxmox/thin.hpp"

#include <fmt/format.h>

#include <string>

#include "tests/catch.hpp"

namespace flyt::proxmox {
namespace {

bool empty(const std::string& volume, const std::string& pool, const std::string& state) {
  return thin_test.holds(fmt::format("{} | {} | {}", volume, pool, state));
}

TEST_CASE("a thin volume is empty where nothing is mapped, and zeroes itself", "[proxmox]") {
  const std::string volume = "0 2097152 thin 253:4 7";
  const std::string pool = "0 209715200 thin-pool 253:2 253:3 128 0 0 ";
  const std::string state = "0 2097152 thin 0 -";
  CHECK(empty(volume, pool, state));
  CHECK(empty(volume, "0 209715200 thin-pool 253:2 253:3 128 0 1 ignore_discard", state));
  // The smallest that can be written: one block of the pool.
  CHECK_FALSE(empty(volume, pool, "0 2097152 thin 128 127"));
  CHECK_FALSE(empty(volume, pool, "0 2097152 thin Fail"));
  // The rest of a block would be what was there before.
  CHECK_FALSE(empty(volume, "0 9 thin-pool 253:2 253:3 128 0 1 skip_block_zeroing", state));
  // What is not mapped is read from its origin.
  CHECK_FALSE(empty("0 2097152 thin 253:4 7 253:9", pool, state));
  // Thick, several pieces, or something that we do not know.
  CHECK_FALSE(empty("0 2097152 linear 8:2 2048", pool, state));
  CHECK_FALSE(empty("0 1048576 thin 253:4 7", pool, state));
  CHECK_FALSE(empty(volume, "0 209715200 linear 8:2 2048 0 0 0", state));
  CHECK_FALSE(empty(volume, pool, "Device does not exist."));
  CHECK_FALSE(thin_test.holds(""));
  CHECK_FALSE(thin_test.holds(volume));
  CHECK_FALSE(thin_test.holds("[{ \"start\": 0, \"zero\": true, \"data\": false }]"));
}

}  // namespace
}  // namespace flyt::proxmox
