#include "drivers/rvtools/rvtools.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/inventory_json.hpp"
#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/rvtools_export.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::rvtools {
namespace {

namespace fs = std::filesystem;

Result<Inventory> read(const fs::path& place, const std::string& server = {}) {
  EndpointConfig config;
  config.name = "export";
  config.values["path"] = place;
  if (!server.empty()) config.values["server"] = server;
  FLYT_ASSIGN(const auto driver, open(config, {}));
  return driver->inventory({}, {});
}

Inventory inventory_of(const tests::Tabs& tabs) {
  const tests::TempDir folder;
  tests::write_csv_files(folder.path(), tabs);
  auto found = read(folder.path());
  if (!found) FAIL(found.error().what << ": " << found.error().seen);
  return *std::move(found);
}

const Machine& named(const Inventory& inventory, const std::string& name) {
  const auto found = std::find_if(inventory.machines.begin(), inventory.machines.end(),
                                  [&](const Machine& one) { return one.name == name; });
  REQUIRE(found != inventory.machines.end());
  return *found;
}

std::string said(const Machine& machine, const std::string& code) {
  for (const Concern& one : machine.concerns) {
    if (one.code == code) return one.text;
  }
  return {};
}

bool notes(const Inventory& inventory, const std::string& part) {
  return std::any_of(inventory.notes.begin(), inventory.notes.end(),
                     [&](const auto& note) { return note.find(part) != std::string::npos; });
}

// Sets a cell of the tab by the name of its column.
void set(tests::Table& table, std::size_t row, const std::string& column, const std::string& to) {
  const auto at = std::find(table[0].begin(), table[0].end(), column);
  REQUIRE(at != table[0].end());
  table[row][static_cast<std::size_t>(at - table[0].begin())] = to;
}

void drop_column(tests::Table& table, const std::string& column) {
  const auto at = std::find(table[0].begin(), table[0].end(), column) - table[0].begin();
  REQUIRE(at != static_cast<std::ptrdiff_t>(table[0].size()));
  for (auto& row : table) row.erase(row.begin() + at);
}

}  // namespace

TEST_CASE("an export tells machines as vCenter does", "[rvtools]") {
  const Inventory found = inventory_of(tests::rvtools_4());
  CHECK(found.driver == "rvtools");
  CHECK(found.platform ==
        "RVTools export of vc01.kommune.example (VMware vCenter Server 7.0.3 build-20150588)");
  CHECK(found.platform_id == "rvtools:1f2e3d4c-0000-4000-8000-00000000aaaa");
  CHECK(found.can_cut_over);
  CHECK(notes(found, "RVTools 4.4.1.0"));
  REQUIRE(found.machines.size() == 3);
  const Machine& web = named(found, "web01");
  CHECK(web.id == "vm-101");
  CHECK(web.uuid == "50210000-0000-4000-8000-000000000101");
  CHECK(web.folder == "Drift/Web");
  CHECK(web.tags == std::vector<std::string>{"Backup:daily"});
  CHECK(web.notes == "runs the \"site\";\nask Ærø");
  CHECK(web.host == "host-11");
  CHECK(web.power == Power::on);
  CHECK(web.cpus == 4);
  CHECK(web.sockets == 2);
  CHECK(web.memory_bytes == 8 * gib);
  CHECK(web.firmware.kind == FirmwareKind::bios);
  CHECK(web.firmware.tpm == std::nullopt);
  CHECK(web.guest.family == GuestFamily::linux);
  CHECK(web.guest.name == "Debian GNU/Linux 12 (64-bit)");
  CHECK(web.guest.host_name == "web01.kommune.example");
  CHECK(web.clock == ClockBase::utc);
  REQUIRE(web.disks.size() == 1);
  CHECK(web.disks[0].id == "2000");
  CHECK(web.disks[0].uuid == "6000c29a-0001");
  CHECK(web.disks[0].size_bytes == 40 * gib);
  CHECK(web.disks[0].used_bytes == 21 * gib);
  CHECK(web.disks[0].bus == Bus::scsi);
  CHECK(web.disks[0].controller == "pvscsi");
  CHECK(web.disks[0].storage == "datastore-21");
  CHECK(web.disks[0].boots);
  REQUIRE(web.nics.size() == 1);
  CHECK(web.nics[0].mac == "00:50:56:ab:00:01");
  CHECK(web.nics[0].model == "VmxNet3");
  CHECK(web.nics[0].network == "Servere");
  CHECK(web.nics[0].connected == true);
  CHECK(web.nics[0].addresses == std::vector<std::string>{"10.1.2.3", "10.1.2.4", "fe80::1"});
}

TEST_CASE("disks stand in the order of their controllers, and say why they cannot be read",
          "[rvtools]") {
  tests::Tabs tabs = tests::rvtools_4();
  Inventory found = inventory_of(tabs);
  const Machine& off = named(found, "db01");
  CHECK(off.firmware.kind == FirmwareKind::uefi);
  CHECK(off.firmware.secure_boot == true);
  CHECK(off.guest.family == GuestFamily::windows);
  CHECK(off.clock == ClockBase::local_time);
  REQUIRE(off.disks.size() == 3);
  CHECK(off.disks[0].label == "Hard disk 1");
  CHECK(off.disks[1].label == "Hard disk 3");
  CHECK(off.disks[2].label == "Hard disk 2");
  CHECK(off.disks[0].used_bytes == std::nullopt);  // thin, and not the only one
  CHECK(off.disks[2].used_bytes == 100 * gib);
  CHECK(off.disks[0].left_out.empty());
  CHECK(off.disks[1].left_out.find("physical mode") != std::string::npos);
  CHECK(off.disks[2].left_out.empty());  // independent, but the machine is off
  CHECK(off.nics[0].addresses.empty());
  CHECK(off.nics[1].model == "PCNet32");
  CHECK(off.nics[1].connected == false);
  set(tabs["vDisk"], 3, "Sharing mode", "sharingMultiWriter");
  found = inventory_of(tabs);
  CHECK(named(found, "db01").disks[0].left_out.find("shared") != std::string::npos);  // off or not
  set(tabs["vDisk"], 3, "Sharing mode", "sharingNone");
  set(tabs["vInfo"], 2, "Powerstate", "poweredOn");
  set(tabs["vDisk"], 1, "Sharing mode", "sharingMultiWriter");
  found = inventory_of(tabs);
  CHECK(named(found, "db01").disks[2].left_out ==
        "it is independent of snapshots: the machine must be off");
  CHECK(named(found, "web01").disks[0].left_out.find("shared") != std::string::npos);
  set(tabs["vDisk"], 3, "Controller", "AHCI");
  found = inventory_of(tabs);
  CHECK(named(found, "db01").disks[0].label == "Hard disk 3");
  CHECK(said(named(found, "db01"), "V-BOOT-DISK").find("Hard disk 3") != std::string::npos);
}

TEST_CASE("what needs care is a concern", "[rvtools]") {
  const Inventory found = inventory_of(tests::rvtools_4());
  const Machine& web = named(found, "web01");
  CHECK(said(web, "R-SNAPSHOT") == "its snapshot is left behind: it is moved as it is now");
  CHECK(said(web, "R-TOOLS").find("toolsNotRunning") != std::string::npos);
  CHECK(said(web, "R-GUEST-STORAGE") ==
        "the guest has file systems of 200 GiB, its disks are 40 GiB");
  CHECK(said(web, "V-CDROM").find("[ds1] iso/debian.iso") != std::string::npos);
  CHECK(said(web, "V-PASSTHROUGH").find("USB 1") != std::string::npos);
  CHECK(said(web, "R-COUNT").empty());
  CHECK(named(found, "db01").concerns.empty());
  CHECK(named(found, "gone01").unreadable == "vCenter said that it is inaccessible");
}

TEST_CASE("hosts, datastores and VLANs are told", "[rvtools]") {
  const Inventory found = inventory_of(tests::rvtools_4());
  REQUIRE(found.hosts.size() == 1);
  CHECK(found.hosts[0].id == "host-11");
  CHECK(found.hosts[0].cpus == 32);
  CHECK(found.hosts[0].memory_bytes == 256 * gib);
  CHECK(found.hosts[0].memory_free_bytes == 64 * gib);
  CHECK(found.hosts[0].place.site == "Nykøbing");
  REQUIRE(found.storages.size() == 2);
  CHECK(found.storages[0].size_bytes == tib);
  CHECK(found.storages[0].free_bytes == tib / 2);
  CHECK(found.storages[1].size_bytes == std::nullopt);
  CHECK(notes(found, "datastore ds2 could not be reached"));
  REQUIRE(found.networks.size() == 2);  // no uplinks
  CHECK(found.networks[0].name == "Backup");
  CHECK(found.networks[0].vlan == std::nullopt);
  CHECK(notes(found, "network Backup has other VLANs on other hosts: 30 and 31"));
  CHECK(found.networks[1].id == "dvportgroup-31");
  CHECK(found.networks[1].vlan == 120U);
}

TEST_CASE("every way to write an export tells the same", "[rvtools]") {
  const tests::Tabs tabs = tests::rvtools_4();
  const tests::TempDir folder;
  const std::string expected = inventory_text(inventory_of(tabs));
  using tests::Encoding;
  int number = 0;
  for (const tests::CsvStyle& style : {tests::CsvStyle{';', Encoding::utf16_little, "\r\n"},
                                       tests::CsvStyle{'\t', Encoding::utf16_big, "\n"},
                                       tests::CsvStyle{';', Encoding::windows_1252, "\r\n"}}) {
    const fs::path place = folder / std::to_string(number++);
    tests::write_csv_files(place, tabs, style);
    CHECK(inventory_text(read(place).value()) == expected);
  }
  for (const tests::XlsxStyle& style : {tests::XlsxStyle{}, tests::XlsxStyle{false, "x:", true}}) {
    const fs::path place = folder / (std::to_string(number++) + ".xlsx");
    tests::write_zip(place, tests::xlsx_members(tabs, style));
    const auto found = read(place);
    if (!found) FAIL(found.error().what);
    CHECK(inventory_text(*found) == expected);
  }
}

TEST_CASE("an export of RVTools 3 is read by its own names", "[rvtools]") {
  const Inventory found = inventory_of(tests::rvtools_3());
  CHECK(found.platform_id == "rvtools:vc01");
  REQUIRE(found.machines.size() == 1);
  const Machine& old = found.machines.front();
  CHECK(old.id == "42210000-0000-4000-8000-000000000001");
  CHECK(old.memory_bytes == 2 * gib);
  CHECK(old.guest.family == GuestFamily::linux);
  CHECK(old.firmware.secure_boot == false);
  REQUIRE(old.disks.size() == 2);
  CHECK(old.disks[0].size_bytes == 16 * gib);
  CHECK(old.disks[0].bus == Bus::scsi);
  CHECK(old.disks[0].controller.empty());  // "SCSI controller 0" is none in particular
  CHECK(old.disks[0].id == "disk 0");
  CHECK(old.disks[1].id == "disk 1");
  CHECK(old.nics[0].addresses == std::vector<std::string>{"10.1.2.9"});
  CHECK(notes(found, "no tab vSnapshot"));
}

TEST_CASE("tabs that contradict each other block the machine", "[rvtools]") {
  tests::Tabs tabs = tests::rvtools_4();
  tabs["vDisk"].pop_back();
  tabs["vNetwork"].pop_back();
  const Inventory found = inventory_of(tabs);
  const Machine& db = named(found, "db01");
  CHECK(std::count_if(db.concerns.begin(), db.concerns.end(), [](const Concern& one) {
          return one.code == "R-COUNT" && one.severity == Severity::blocker;
        }) == 2);
  CHECK(said(db, "R-COUNT") == "disks: vInfo counts 3, vDisk lists 2");
}

TEST_CASE("without vNetwork the cards are as many as vInfo counts", "[rvtools]") {
  tests::Tabs tabs = tests::rvtools_4();
  tabs.erase("vNetwork");
  const Inventory found = inventory_of(tabs);
  const Machine& db = named(found, "db01");
  REQUIRE(db.nics.size() == 2);
  CHECK(db.nics[1].network == "Backup");
  CHECK(db.nics[1].mac.empty());
  CHECK(said(db, "R-COUNT").empty());
}

TEST_CASE("machines of one name are told apart by their ids, or not at all", "[rvtools]") {
  tests::Tabs tabs = tests::rvtools_4();
  for (const char* tab : {"vInfo", "vDisk", "vNetwork"}) {
    for (std::size_t row = 1; row < tabs[tab].size(); ++row) set(tabs[tab], row, "VM", "same");
  }
  Inventory found = inventory_of(tabs);
  REQUIRE(found.machines.size() == 3);
  CHECK(found.machines[0].disks.size() == 1);
  CHECK(found.machines[1].disks.size() == 3);
  drop_column(tabs["vDisk"], "VM ID");
  drop_column(tabs["vDisk"], "VM UUID");
  found = inventory_of(tabs);
  for (const Machine& one : found.machines) CHECK_FALSE(one.unreadable.empty());
  CHECK(notes(found, "4 rows of the tab vDisk"));
  // An id that stands there twice is nobody's.
  tabs = tests::rvtools_4();
  set(tabs["vInfo"], 2, "VM ID", "vm-101");
  found = inventory_of(tabs);
  CHECK(named(found, "web01").id != named(found, "db01").id);
  CHECK_FALSE(named(found, "db01").unreadable.empty());
}

TEST_CASE("of several vCenters one is meant", "[rvtools]") {
  tests::Tabs tabs = tests::rvtools_4();
  for (const char* tab : {"vInfo", "vDisk", "vNetwork"}) {
    auto other = tests::rvtools_4()[tab];
    other.erase(other.begin());
    for (auto& row : other) {
      row[row.size() - 2] = "vc02";
      row.back() = "another";
    }
    tabs[tab].insert(tabs[tab].end(), other.begin(), other.end());
  }
  const tests::TempDir folder;
  tests::write_csv_files(folder.path(), tabs);
  const auto both = read(folder.path());
  REQUIRE_FALSE(both);
  CHECK(both.error().code == Errc::invalid);
  CHECK(both.error().seen == "vc01.kommune.example, vc02");
  CHECK(both.error().remedy.front() == "server = \"vc01.kommune.example\"");
  const auto one = read(folder.path(), "VC02");
  REQUIRE(one);
  CHECK(one->platform_id == "rvtools:another");
  REQUIRE(one->machines.size() == 3);
  CHECK(named(*one, "db01").disks.size() == 3);
  CHECK(read(folder.path(), "vc03").error().seen.find("vc02") != std::string::npos);
}

TEST_CASE("an export that has no end is refused", "[rvtools]") {
  if (tests::sanitized) FLYT_SKIP("a million rows");
  const tests::TempDir folder;
  std::string rows = "VM\n";
  for (int i = 0; i <= 200'000; ++i) rows += "a\n";
  std::ofstream(folder / "vInfo.csv") << rows;
  std::ofstream(folder / "vDisk.csv") << "VM\n";
  CHECK(read(folder.path()).error().what.find("more than 200000 machines") != std::string::npos);
  for (int i = 0; i <= 900'000; ++i) rows += "a\n";
  std::ofstream(folder / "vInfo.csv") << "VM\na\n";
  std::ofstream(folder / "vDisk.csv") << rows;
  CHECK(read(folder.path()).error().what.find("vDisk: more than") != std::string::npos);
}

TEST_CASE("what is no export says what would be one", "[rvtools]") {
  const tests::TempDir folder;
  CHECK(read(folder / "nowhere").error().code == Errc::not_found);
  CHECK(read("/dev/null").error().code == Errc::invalid);
  CHECK(read(folder.path()).error().what.find("no tab vInfo") != std::string::npos);
  tests::Tabs tabs = tests::rvtools_4();
  tabs.erase("vDisk");
  tests::write_csv_files(folder.path(), tabs);
  CHECK(read(folder.path()).error().what.find("no tab vDisk") != std::string::npos);
  const auto one = read(folder / "RVTools_tabvInfo.csv");
  REQUIRE_FALSE(one);
  CHECK(one.error().remedy.front().find(folder.path()) != std::string::npos);
  std::ofstream(folder / "old_tabvInfo.csv") << "VM\n";
  CHECK(read(folder.path()).error().what.find("are the same tab") != std::string::npos);
  fs::remove(folder / "old_tabvInfo.csv");
  std::ofstream(folder / "RVTools_tabvDisk.csv") << "VM\n";
  std::ofstream(folder / "RVTools_tabvInfo.csv") << "Machine\nweb01\n";
  CHECK(read(folder.path()).error().seen == "its columns: Machine");
}

}  // namespace flyt::rvtools
