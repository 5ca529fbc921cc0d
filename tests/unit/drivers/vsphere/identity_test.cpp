#include "drivers/vsphere/identity.hpp"

#include "drivers/shared/xml.hpp"
#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

std::string option(const std::string& key, const std::string& value) {
  return "<OptionValue><key>" + key + "</key><value>" + value + "</value></OptionValue>";
}

std::string id_from(const std::string& options) {
  const auto document = parse_xml("<val>" + options + "</val>", "options");
  REQUIRE(document);
  return generation_id((*document)->document_element());
}

std::string id_of(const std::string& low, const std::string& high) {
  return id_from(option("guestinfo.x", "1") + option("vm.genid", low) + option("vm.genidX", high));
}

}  // namespace

// Both forms of one uuid, and of another, as their users have reported them: pyvmomi issue 688
// (vSphere 6.5) and yumaojun03/dmidecode issue 22 (SMBIOS 2.4).
TEST_CASE("the guest reads its uuid in the order of its hardware's tables", "[vsphere]") {
  const char* vsphere = "421f245c-7fa8-60fa-6af6-a46351ced0eb";
  const char* guest = "5c241f42-a87f-fa60-6af6-a46351ced0eb";
  CHECK(guest_uuid(vsphere, "vmx-13", GuestFamily::linux) == guest);
  CHECK(guest_uuid(vsphere, "vmx-21", GuestFamily::unknown) == guest);
  const char* old = "564da6d2-1706-6343-dc2d-9959b533a7b3";
  CHECK(guest_uuid(old, "vmx-11", GuestFamily::linux) == old);
  CHECK(guest_uuid("564DA6D2-1706-6343-DC2D-9959B533A7B3", "vmx-09", GuestFamily::other) == old);
}

TEST_CASE("Windows has always read its uuid in the new order", "[vsphere]") {
  CHECK(guest_uuid("564da6d2-1706-6343-dc2d-9959b533a7b3", "vmx-08", GuestFamily::windows) ==
        "d2a64d56-0617-4363-dc2d-9959b533a7b3");
}

TEST_CASE("a uuid that is none, or whose order nobody knows, is unknown", "[vsphere]") {
  const char* uuid = "421f245c-7fa8-60fa-6af6-a46351ced0eb";
  for (const char* hardware : {"", "vmx-", "vmx-x", "vmx-13x", "13", "vmx--1"}) {
    INFO(hardware);
    CHECK(guest_uuid(uuid, hardware, GuestFamily::linux).empty());
  }
  for (const char* none : {"", "421f245c", "00000000-0000-0000-0000-000000000000",
                           "FFFFFFFF-ffff-ffff-ffff-ffffffffffff"}) {
    INFO(none);
    CHECK(guest_uuid(none, "vmx-13", GuestFamily::windows).empty());
  }
}

// The numbers of a real .vmx, what VMGENID.EXE showed on VMware (8987940a09512cc5:e81510634ff550b9)
// and what QEMU must be given for the same: qemu-devel, 2021-09-29, "vmx: Fix <genid/> mapping".
TEST_CASE("the guest goes on reading the generation id that VMware showed it", "[vsphere]") {
  CHECK(id_of("-8536691797830587195", "-1723453263670062919") ==
        "09512cc5-940a-8987-b950-f54f631015e8");
  CHECK(id_of("1", "0") == "00000001-0000-0000-0000-000000000000");
  CHECK(id_of("0", "1") == "00000000-0000-0000-0100-000000000000");
}

TEST_CASE("a generation id that is not whole is none", "[vsphere]") {
  CHECK(id_of("0", "0").empty());
  CHECK(id_of("", "1").empty());
  CHECK(id_of("1", "x").empty());
  CHECK(id_of("1", "9223372036854775808").empty());
  CHECK(id_from(option("vm.genid", "1")).empty());
  CHECK(id_from("").empty());
  CHECK(generation_id({}).empty());
}

}  // namespace flyt::vsphere
