#include "planners/firmware.hpp"

#include <set>
#include <string>

#include "tests/catch.hpp"
#include "tests/unit/planners/example.hpp"

namespace flyt::tests {
namespace {

const MachineSpec* spec_of_web(const Plan& plan) {
  for (const PlannedMachine& one : plan.machines) {
    if (one.source.name == "web01") return &one.spec;
  }
  return nullptr;
}

std::string codes(const Plan& plan) {
  std::set<std::string> all;
  for (const Concern& one : plan.concerns) {
    const bool of_firmware = one.code.find("SECURE-BOOT") != std::string::npos ||
                             one.code.find("TPM") != std::string::npos ||
                             one.code == "T-OURS-FIRMWARE";
    if (one.machine == "web01" && of_firmware) all.insert(one.code);
  }
  std::string text;
  for (const std::string& code : all) text += code + " ";
  return text;
}

TEST_CASE("Secure Boot is as the source had it, where target and site let it", "[planners]") {
  struct Row {
    FirmwareKind kind;
    std::optional<bool> source, site, of_machine;
    bool target, disks, wanted;
    const char* codes;
  };
  constexpr auto uefi = FirmwareKind::uefi;
  const std::vector<Row> rows = {
      {uefi, true, {}, {}, true, true, true, "M-SECURE-BOOT-KEYS "},
      {uefi, true, true, {}, true, true, true, "M-SECURE-BOOT-KEYS "},
      {uefi, true, {}, {}, false, true, false, "M-SECURE-BOOT "},
      {uefi, true, false, {}, true, true, false, "M-SECURE-BOOT "},
      {uefi, true, {}, false, true, true, false, "M-SECURE-BOOT "},
      {uefi, true, false, true, true, true, true, "M-SECURE-BOOT-KEYS "},
      {uefi, true, {}, {}, true, false, false, "M-SECURE-BOOT "},
      {FirmwareKind::unknown, true, {}, {}, true, true, false, "M-SECURE-BOOT "},
      // Nothing is switched on that the source had not.
      {uefi, false, true, {}, true, true, false, ""},
      {uefi, {}, true, {}, true, true, false, ""},
  };
  for (const Row& row : rows) {
    INFO("row " << &row - rows.data());
    Example example;
    example.web().firmware = {row.kind, row.source, {}};
    if (!row.disks) example.web().disks.clear();
    example.site.defaults.secure_boot = row.site;
    example.site.machines["web01"].secure_boot = row.of_machine;
    example.target.secure_boot = row.target;
    const Plan plan = example.plan();
    REQUIRE(spec_of_web(plan) != nullptr);
    CHECK(spec_of_web(plan)->secure_boot == row.wanted);
    CHECK(codes(plan) == row.codes);
  }
}

TEST_CASE("What Secure Boot wants of new drivers is told of a Windows that gets some",
          "[planners]") {
  Example example;
  with_secure_boot(example);
  example.web().guest.family = GuestFamily::windows;
  CHECK(codes(example.plan()) == "M-SECURE-BOOT-DRIVERS M-SECURE-BOOT-KEYS ");
  example.site.machines["web01"].convert = Convert::none;
  CHECK(codes(example.plan()) == "M-SECURE-BOOT-KEYS ");
}

TEST_CASE("A new TPM takes the place of one, when it is asked for and can be had", "[planners]") {
  struct Row {
    std::optional<bool> source, site, of_machine;
    bool target, disks, planned, wanted;
    const char* codes;
  };
  const std::vector<Row> rows = {
      {true, {}, {}, true, true, false, false, "M-VTPM "},
      {true, true, {}, true, true, true, true, "M-TPM-NEW "},
      {true, {}, true, true, true, true, true, "M-TPM-NEW "},
      {true, true, false, true, true, false, false, "M-VTPM "},
      {true, true, {}, false, true, false, false, "T-TPM "},
      {true, true, {}, true, false, false, false, "T-TPM "},
      {false, true, {}, true, true, true, false, ""},
      {{}, true, {}, false, true, true, false, ""},
  };
  for (const Row& row : rows) {
    INFO("row " << &row - rows.data());
    Example example;
    example.web().firmware.tpm = row.source;
    if (!row.disks) example.web().disks.clear();
    example.site.defaults.new_tpm = row.site;
    example.site.machines["web01"].new_tpm = row.of_machine;
    example.target.new_tpm = row.target;
    const Plan plan = example.plan();
    CHECK((spec_of_web(plan) != nullptr) == row.planned);
    if (row.planned) CHECK(spec_of_web(plan)->tpm == row.wanted);
    CHECK(codes(plan) == row.codes);
  }
}

TEST_CASE("What is there with other firmware is not gone on with", "[planners]") {
  Example example;
  with_new_tpm(example);
  with_secure_boot(example);
  example.web().firmware.tpm = true;
  Machine& made = example.target.machines.emplace_back(machine("web01", 1));
  made.uuid = "11111111-0000-4000-8000-000000000000";
  made.migration_id = Example().plan().machines[1].migration_id;
  made.firmware = {FirmwareKind::uefi, true, true};
  CHECK(codes(example.plan()) == "M-SECURE-BOOT-KEYS M-TPM-NEW ");
  made.firmware = {};  // the platform does not say
  CHECK(codes(example.plan()) == "M-SECURE-BOOT-KEYS M-TPM-NEW ");
  SECTION("the start is not secured") { made.firmware.secure_boot = false; }
  SECTION("there is no TPM") { made.firmware.tpm = false; }
  SECTION("the start is secured, and the site says no") {
    made.firmware.secure_boot = true;
    example.site.machines["web01"].secure_boot = false;
  }
  const Plan plan = example.plan();
  CHECK(codes(plan).find("T-OURS-FIRMWARE") != std::string::npos);
  CHECK(spec_of_web(plan) == nullptr);
}

TEST_CASE("An assessment knows no target, and says what holds for any", "[planners]") {
  Example example;
  with_secure_boot(example);
  const auto text_of = [&](const char* code) {
    for (const Concern& one : assess(example.site, {"esx"}, example.web())) {
      if (one.code == code) return one.text;
    }
    return std::string();
  };
  CHECK(text_of("M-SECURE-BOOT-KEYS").find("where the target can") != std::string::npos);
  example.web().firmware.tpm = true;
  CHECK_FALSE(text_of("M-VTPM").empty());
  example.site.defaults.new_tpm = true;
  CHECK(text_of("M-VTPM").empty());
  CHECK_FALSE(text_of("M-TPM-NEW").empty());
}

}  // namespace
}  // namespace flyt::tests
