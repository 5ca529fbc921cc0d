#include "movers/convert/domain_xml.hpp"

#include "tests/catch.hpp"

using namespace flyt;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Machine machine(std::string name) {
  Machine machine;
  machine.name = std::move(name);
  machine.nics.push_back({.mac = "00:50:56:ab:cd:01"});
  return machine;
}

}  // namespace

TEST_CASE("overlays ignore discards, in bus order") {
  const std::string xml =
      conversion_domain(machine("web01"), {"/o/disk0.qcow2", "/o/disk1.qcow2"}, false);
  CHECK(contains(xml, "<domain type='qemu'>"));
  CHECK(contains(
      xml, "json:{&quot;driver&quot;:&quot;qcow2&quot;,&quot;discard&quot;:&quot;ignore&quot;,"));
  CHECK(xml.find("disk0.qcow2") < xml.find("dev='sda'"));
  CHECK(xml.find("dev='sda'") < xml.find("disk1.qcow2"));
  CHECK(contains(xml, "dev='sdb'"));
  CHECK(contains(xml, "<mac address='00:50:56:ab:cd:01'/>"));
  CHECK_FALSE(contains(xml, "firmware='efi'"));
}

TEST_CASE("UEFI and KVM are said") {
  Machine source = machine("web01");
  source.firmware.kind = FirmwareKind::uefi;
  const std::string xml = conversion_domain(source, {"/o/disk0.qcow2"}, true);
  CHECK(contains(xml, "<domain type='kvm'>"));
  CHECK(contains(xml, "<os firmware='efi'>"));
}

TEST_CASE("names and paths cannot break out") {
  const std::string xml =
      conversion_domain(machine("a'<b>&\"c"), {"/o/it's \"<here>\" & \\there/disk0.qcow2"}, false);
  CHECK(contains(xml, "<name>a&apos;&lt;b&gt;&amp;&quot;c</name>"));
  CHECK(contains(xml, "it&apos;s \\&quot;&lt;here&gt;\\&quot; &amp; \\\\there"));
}

TEST_CASE("more than 26 disks have names of two letters") {
  const std::vector<std::filesystem::path> overlays(28, "/o/disk.qcow2");
  const std::string xml = conversion_domain(machine("big"), overlays, false);
  CHECK(contains(xml, "dev='sdz'"));
  CHECK(contains(xml, "dev='sdaa'"));
  CHECK(contains(xml, "dev='sdab'"));
}
