#include "base/inventory_file.hpp"

#include <filesystem>
#include <string>

#include "base/durable_file.hpp"
#include "base/inventory_json.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt {
namespace {

Inventory small() {
  Inventory inventory;
  inventory.driver = "vsphere";
  inventory.platform_id = "pid";
  inventory.machines.resize(2);
  inventory.machines[0].id = "vm-1";
  inventory.machines[1].id = "vm-2";
  inventory.machines[1].disks.resize(2);
  inventory.machines[1].disks[0].id = "2000";
  inventory.machines[1].disks[1].id = "2001";
  return inventory;
}

Result<Inventory> written_and_read(const std::string& text) {
  const tests::TempDir folder;
  const auto file = folder.path() / "i.json";
  REQUIRE(write_durably(file, text));
  return read_inventory_file(file);
}

}  // namespace

TEST_CASE("a saved inventory is read as it was written", "[inventory_file]") {
  const auto read = written_and_read(inventory_text(small()));
  REQUIRE(read);
  CHECK(inventory_text(*read) == inventory_text(small()));
}

TEST_CASE("what is no inventory says what is wrong and what makes one", "[inventory_file]") {
  Inventory nameless = small(), nobody = small(), twins = small(), disks = small();
  nameless.platform_id.clear();
  nobody.machines[0].id.clear();
  twins.machines[0].id = "vm-2";
  disks.machines[1].disks[1].id = "2000";
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "type"},
      {"[]", "type"},
      {R"({"type": 7})", "type"},
      {"{", "JSON"},
      {inventory_text(nameless), "platform_id"},
      {inventory_text(nobody), "id of a machine is missing"},
      {inventory_text(twins), "vm-2"},
      {inventory_text(disks), "vm-2: there are two with the id \"2000\" of a disk"},
      {inventory_text(small()) + inventory_text(small()), "JSON"},
  };
  for (const auto& [text, said] : cases) {
    CAPTURE(said);
    const auto read = written_and_read(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::invalid);
    CHECK((read.error().what + read.error().seen).find(said) != std::string::npos);
    CHECK(read.error().what.find("i.json") != std::string::npos);
    CHECK(read.error().remedy.front() == "flyt inventory ENDPOINT -o FILE");
  }
  const auto absent = read_inventory_file("/nowhere/i.json");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code == Errc::not_found);
}

}  // namespace flyt
