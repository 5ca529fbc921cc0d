#include "drivers/ova/hardware.hpp"

#include <fmt/format.h>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "tests/unit/drivers/ova/package_maker.hpp"

using namespace flyt;
using flyt::tests::PackageMaker;

namespace {

Machine machine(const PackageMaker& maker) {
  const auto package = ova::parse_ovf(maker.descriptor(), "a.ovf");
  REQUIRE(package);
  REQUIRE(package->systems.size() == 1);
  return ova::machine_of(*package, package->systems.front());
}

PackageMaker two_disks() {
  PackageMaker maker;
  maker.disks = {{"web01-disk1.vmdk", "x", 41'955'840}, {"web01-disk2.vmdk", "x", 1024}};
  return maker;
}

bool has(const Machine& machine, std::string_view code, Severity severity) {
  return std::any_of(machine.concerns.begin(), machine.concerns.end(), [&](const Concern& c) {
    return c.code == code && c.severity == severity && c.machine == machine.name;
  });
}

std::string item(std::string_view instance, std::string_view type, std::string_view more) {
  return fmt::format(
      "<Item><rasd:ElementName>Thing {0}</rasd:ElementName><rasd:InstanceID>{0}"
      "</rasd:InstanceID><rasd:ResourceType>{1}</rasd:ResourceType>{2}</Item>",
      instance, type, more);
}

std::string sub_type(std::string_view word) {
  return fmt::format("<rasd:ResourceSubType>{}</rasd:ResourceSubType>", word);
}

}  // namespace

TEST_CASE("A VMware descriptor becomes a machine", "[ova]") {
  const Machine found = machine(two_disks());
  CHECK(found.name == "web01");
  CHECK(found.power == Power::off);
  CHECK(found.cpus == 2U);
  CHECK(found.sockets == 1U);
  CHECK(found.memory_bytes == 512 * mib);
  CHECK(found.firmware.kind == FirmwareKind::bios);
  CHECK(found.firmware.secure_boot == false);
  CHECK(found.firmware.tpm == false);
  CHECK(found.guest.family == GuestFamily::linux);
  CHECK(found.guest.id == "debian12_64Guest");
  CHECK(found.guest.name == "Debian GNU/Linux 12 (64-bit)");
  CHECK(found.clock == ClockBase::utc);
  REQUIRE(found.disks.size() == 2);
  CHECK(found.disks[0].id == "vmdisk1");
  CHECK(found.disks[0].label == "Hard disk 1");
  CHECK(found.disks[0].size_bytes == 41'955'840);
  CHECK(found.disks[0].bus == Bus::scsi);
  CHECK(found.disks[0].controller == "lsilogic");
  CHECK(found.disks[0].boots);
  CHECK_FALSE(found.disks[1].boots);
  REQUIRE(found.nics.size() == 1);
  CHECK(found.nics[0].mac == "00:50:56:ab:cd:01");
  CHECK(found.nics[0].network == "VM Network");
  CHECK(found.nics[0].model == "E1000");
  CHECK(found.nics[0].connected == true);
  CHECK(found.concerns.empty());
}

TEST_CASE("Controllers get their bus and word", "[ova]") {
  struct Row {
    std::string scsi;
    Bus bus;
    std::string word;
  };
  const Row row = GENERATE(values<Row>({{"lsilogic", Bus::scsi, "lsilogic"},
                                        {"lsilogicsas", Bus::scsi, "lsilogicsas"},
                                        {"VirtualSCSI", Bus::scsi, "pvscsi"},
                                        {"buslogic", Bus::scsi, "buslogic"}}));
  PackageMaker maker = two_disks();
  maker.scsi = row.scsi;
  const Machine found = machine(maker);
  CHECK(found.disks[0].bus == row.bus);
  CHECK(found.disks[0].controller == row.word);
}

TEST_CASE("Disks come in the order of controllers and places", "[ova]") {
  PackageMaker maker;
  maker.more_disks =
      "<Disk ovf:diskId='ide' ovf:capacity='1'/><Disk ovf:diskId='sata' ovf:capacity='1'/>"
      "<Disk ovf:diskId='nvme' ovf:capacity='1'/><Disk ovf:diskId='late' ovf:capacity='1'/>"
      "<Disk ovf:diskId='early' ovf:capacity='1'/><Disk ovf:diskId='second' ovf:capacity='1'/>";
  const auto disk = [](std::string_view id, std::string_view parent, std::string_view unit) {
    return item(id, "17",
                fmt::format("<rasd:HostResource>/disk/{}</rasd:HostResource><rasd:Parent>{}"
                            "</rasd:Parent><rasd:AddressOnParent>{}</rasd:AddressOnParent>",
                            id, parent, unit));
  };
  maker.more_items = item("40", "5", "<rasd:Address>0</rasd:Address>") +
                     item("41", "20", sub_type("vmware.sata.ahci")) +
                     item("42", "20", sub_type("vmware.nvme.controller")) +
                     item("43", "6", sub_type("VirtualSCSI") + "<rasd:Address>1</rasd:Address>") +
                     disk("ide", "40", "0") + disk("nvme", "42", "0") + disk("sata", "41", "0") +
                     disk("second", "43", "0") + disk("late", "3", "10") + disk("early", "3", "2");
  const Machine found = machine(maker);
  std::string order;
  for (const Disk& one : found.disks) order += one.id + " ";
  CHECK(order == "early late second sata nvme ide ");
  CHECK(found.disks[3].bus == Bus::sata);
  CHECK(found.disks[4].bus == Bus::nvme);
  CHECK(found.disks[5].bus == Bus::ide);
  CHECK(has(found, "O-BOOT-DISK", Severity::info));
}

TEST_CASE("Firmware is what the descriptor says", "[ova]") {
  PackageMaker maker = two_disks();
  maker.more_config =
      R"(<vmw:Config vmw:key="firmware" vmw:value="efi"/>
         <vmw:Config vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>)";
  const Machine found = machine(maker);
  CHECK(found.firmware.kind == FirmwareKind::uefi);
  CHECK(found.firmware.secure_boot == true);
}

TEST_CASE("Windows keeps local time", "[ova]") {
  PackageMaker maker = two_disks();
  maker.os_type = "windows2019srv_64Guest";
  maker.os_name = "Microsoft Windows Server 2019 (64-bit)";
  const Machine found = machine(maker);
  CHECK(found.guest.family == GuestFamily::windows);
  CHECK(found.clock == ClockBase::local_time);
}

TEST_CASE("Guest families are known by word, text or number", "[ova]") {
  const auto family = [](std::string type, std::string name, std::string id) {
    ova::OvfSystem system;
    system.os_type = std::move(type);
    system.os_name = std::move(name);
    system.os_id = std::move(id);
    return ova::guest_family_of(system);
  };
  CHECK(family("rhel8_64Guest", "", "") == GuestFamily::linux);
  CHECK(family("other5xLinux64Guest", "", "") == GuestFamily::linux);
  CHECK(family("freebsd12_64Guest", "", "") == GuestFamily::other);
  CHECK(family("darwin18_64Guest", "", "") == GuestFamily::other);
  CHECK(family("winNetEnterpriseGuest", "", "") == GuestFamily::windows);
  CHECK(family("", "Ubuntu Linux", "") == GuestFamily::linux);
  CHECK(family("", "", "96") == GuestFamily::linux);
  CHECK(family("", "", "112") == GuestFamily::windows);
  CHECK(family("", "", "81") == GuestFamily::unknown);
  CHECK(family("otherGuest64", "", "") == GuestFamily::unknown);
}

TEST_CASE("What does not travel becomes a concern", "[ova]") {
  PackageMaker maker = two_disks();
  maker.address = "";
  maker.more_files = "<File ovf:id='iso' ovf:href='tools.iso'/>";
  maker.more_items = item("50", "1", sub_type("vmware.vtpm")) +
                     item("51", "1", sub_type("vmware.pcipassthrough")) +
                     item("52", "15", "<rasd:HostResource>ovf:/file/iso</rasd:HostResource>") +
                     item("53", "15", "") + item("54", "21", "") +
                     item("55", "10", sub_type("Sriov"));
  const Machine found = machine(maker);
  CHECK(found.firmware.tpm == true);
  CHECK(has(found, "V-VTPM", Severity::warning));
  CHECK(has(found, "V-PASSTHROUGH", Severity::warning));
  CHECK(has(found, "V-CDROM", Severity::warning));
  CHECK(has(found, "V-DEVICE", Severity::info));
  CHECK(has(found, "O-MAC", Severity::warning));
  const auto drives = std::count_if(found.concerns.begin(), found.concerns.end(),
                                    [](const Concern& c) { return c.code == "V-CDROM"; });
  CHECK(drives == 1);  // the other drive is empty
}

TEST_CASE("A disk that is nowhere, or twice in a machine, says so", "[ova]") {
  PackageMaker maker = two_disks();
  maker.more_items = item("60", "17", "<rasd:HostResource>ovf:/disk/other</rasd:HostResource>") +
                     item("61", "17", "<rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>");
  const Machine found = machine(maker);
  REQUIRE(found.disks.size() == 4);
  CHECK(found.disks[2].left_out == "the descriptor has no disk \"ovf:/disk/other\"");
  CHECK(found.disks[3].left_out == "it stands twice in the machine");
  CHECK(found.disks[3].id != "vmdisk1");
}

TEST_CASE("Units of memory and capacity", "[ova]") {
  CHECK(ova::ovf_unit("byte * 2^20", 1) == mib);
  CHECK(ova::ovf_unit("byte*2^30", 1) == gib);
  CHECK(ova::ovf_unit("byte * 10^9", 1) == 1'000'000'000U);
  CHECK(ova::ovf_unit("byte * 512", 1) == 512U);
  CHECK(ova::ovf_unit("MegaBytes", 1) == mib);
  CHECK(ova::ovf_unit("GB", 1) == gib);
  CHECK(ova::ovf_unit("", mib) == mib);
  CHECK_FALSE(ova::ovf_unit("byte * 2^64", 1));
  CHECK_FALSE(ova::ovf_unit("byte * 10^63", 1));
  CHECK_FALSE(ova::ovf_unit("byte * 3^2", 1));
  CHECK_FALSE(ova::ovf_unit("byte * 0", 1));
  CHECK_FALSE(ova::ovf_unit("furlongs", 1));
  CHECK(ova::ovf_number("18446744073709551615") == ~std::uint64_t{0});
  CHECK_FALSE(ova::ovf_number("18446744073709551616"));
  CHECK_FALSE(ova::ovf_number("-1"));
  CHECK_FALSE(ova::ovf_number(""));
}

TEST_CASE("Items of another configuration are left out", "[ova]") {
  std::string text = two_disks().descriptor();
  text.replace(text.find("<References>"), 0,
               "<DeploymentOptionSection><Configuration ovf:id='small'/>"
               "<Configuration ovf:id='big' ovf:default='true'/></DeploymentOptionSection>");
  const auto memory = [](std::string_view attributes, int quantity) {
    return fmt::format(
        "<Item {}><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4"
        "</rasd:ResourceType><rasd:VirtualQuantity>{}</rasd:VirtualQuantity></Item>",
        attributes, quantity);
  };
  text.replace(text.find("      <vmw:Config"), 0,
               memory("ovf:configuration='small'", 100) + memory("ovf:configuration='big'", 4096) +
                   memory("ovf:bound='min'", 1));
  const auto package = ova::parse_ovf(text, "a.ovf");
  REQUIRE(package);
  CHECK(ova::machine_of(*package, package->systems.front()).memory_bytes == 4096 * mib);
}

// What is compared each with each would take minutes.
TEST_CASE("A descriptor of thousands is refused", "[ova]") {
  const auto many = [](std::string_view before, int count, std::string_view form,
                       std::string_view after) {
    std::string text(before);
    for (int i = 0; i != count; ++i) text += fmt::format(fmt::runtime(form), i);
    return text.append(after);
  };
  struct Crowd {
    int most;
    std::string_view before, form, after, things;
  };
  const auto crowd = GENERATE(values<Crowd>({
      {1000, "<Envelope>", "<VirtualSystem id='{}'/>", "</Envelope>", "machines"},
      {1000, "<Envelope><DiskSection>", "<Disk diskId='{}' capacity='512'/>",
       "</DiskSection><VirtualSystem id='x'/></Envelope>", "disks"},
      {1000, "<Envelope><References>", "<File id='{0}' href='{0}'/>",
       "</References><VirtualSystem id='x'/></Envelope>", "files"},
      {1000, "<Envelope><NetworkSection>", "<Network name='{}'/>",
       "</NetworkSection><VirtualSystem id='x'/></Envelope>", "networks"},
      {10'000, "<Envelope><VirtualSystem id='x'><VirtualHardwareSection>",
       "<Item><InstanceID>{}</InstanceID><ResourceType>10</ResourceType></Item>",
       "</VirtualHardwareSection></VirtualSystem></Envelope>", "items"},
  }));
  CAPTURE(crowd.things);
  CHECK(ova::parse_ovf(many(crowd.before, crowd.most, crowd.form, crowd.after), "a.ovf"));
  const auto more =
      ova::parse_ovf(many(crowd.before, crowd.most + 1, crowd.form, crowd.after), "a.ovf");
  REQUIRE_FALSE(more);
  CHECK(more.error().code == Errc::invalid);
  CHECK_THAT(more.error().what,
             Catch::Matchers::EndsWith(fmt::format("{} {}", crowd.most, crowd.things)));
}

TEST_CASE("A descriptor that contradicts itself is refused", "[ova]") {
  PackageMaker maker = two_disks();
  std::string text;
  SECTION("no OVF") { text = "<a/>"; }
  SECTION("no machine") { text = "<Envelope><References/></Envelope>"; }
  SECTION("two disks of one id") {
    maker.more_disks = "<Disk ovf:diskId='vmdisk1' ovf:capacity='1'/>";
  }
  SECTION("two files of one id") { maker.more_files = "<File ovf:id='file1' ovf:href='x'/>"; }
  SECTION("a file without a name") { maker.more_files = "<File ovf:id='x'/>"; }
  SECTION("a file of no size") {
    maker.more_files = "<File ovf:id='x' ovf:href='x' ovf:size='-5'/>";
  }
  SECTION("no capacity") { maker.more_disks = "<Disk ovf:diskId='x'/>"; }
  SECTION("a capacity that overflows") {
    maker.more_disks =
        "<Disk ovf:diskId='x' ovf:capacity='9223372036854775807' "
        "ovf:capacityAllocationUnits='byte * 2^20'/>";
  }
  SECTION("an unknown unit") {
    maker.more_disks = "<Disk ovf:diskId='x' ovf:capacity='1' ovf:capacityAllocationUnits='ell'/>";
  }
  SECTION("two items of one instance") { maker.more_items = item("9", "10", ""); }
  SECTION("an item without type") { maker.more_items = item("90", "", ""); }
  const auto package = ova::parse_ovf(text.empty() ? maker.descriptor() : text, "a.ovf");
  REQUIRE_FALSE(package);
  CHECK(package.error().code == Errc::corrupt);
  CHECK_THAT(package.error().what, Catch::Matchers::StartsWith("a.ovf: "));
}
