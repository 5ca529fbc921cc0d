#include "drivers/libvirt/domain_xml.hpp"

#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

const char* const whole = R"(<domain type='kvm' id='3'>
  <name>web01</name><uuid>6d0a7b5e-0d0c-4a57-8f4e-0d5a1b0e7c11</uuid>
  <description>shop</description>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
    <f:migration xmlns:f="https://flyt.eu/ns/1" id="flyt-abcdefghij234567abcd"/>
  </metadata>
  <memory unit='KiB'>524288</memory><vcpu placement='static'>2</vcpu>
  <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type>
    <firmware><feature enabled='yes' name='secure-boot'/></firmware></os>
  <clock offset='variable' basis='localtime'/>
  <devices>
    <disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='/images/a.qcow2'/><target dev='sda' bus='scsi'/>
      <address type='drive' controller='1' bus='0' target='0' unit='0'/></disk>
    <disk type='block' device='disk'><driver name='qemu' type='raw'/>
      <source dev='/dev/vg/b'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
    <disk type='volume' device='disk'><driver name='qemu' type='raw'/>
      <source pool='fast' volume='c'/><target dev='sdb' bus='sata'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='rbd' name='p/d'/><target dev='vdb' bus='virtio'/></disk>
    <controller type='scsi' index='0' model='lsisas1068'/>
    <controller type='scsi' index='1' model='virtio-scsi'/>
    <interface type='network'><mac address='52:54:00:AA:bb:01'/><source network='default'/>
      <model type='virtio'/></interface>
    <interface type='bridge'><mac address='52:54:00:aa:bb:02'/><source bridge='br0'/>
      <link state='down'/></interface>
    <serial type='pty'><log file='/images/c.console' append='off'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <tpm model='tpm-crb'/><hostdev mode='subsystem'/>
  </devices></domain>)";

TEST_CASE("libvirt: a domain says what it is", "[unit]") {
  const auto facts = parse_domain(whole);
  REQUIRE(facts);
  const Machine& machine = facts->machine;
  CHECK(machine.id == "6d0a7b5e-0d0c-4a57-8f4e-0d5a1b0e7c11");
  CHECK(machine.uuid == machine.id);
  CHECK(machine.name == "web01");
  CHECK(machine.notes == "shop");
  CHECK(machine.migration_id == "flyt-abcdefghij234567abcd");
  CHECK(machine.cpus == 2U);
  CHECK(machine.memory_bytes == std::uint64_t{512} << 20);
  CHECK(machine.firmware.kind == FirmwareKind::uefi);
  CHECK(machine.firmware.secure_boot == true);
  CHECK(machine.firmware.tpm == true);
  CHECK(machine.clock == ClockBase::local_time);
  CHECK(machine.guest.family == GuestFamily::linux);
  CHECK(facts->console == "/images/c.console");
  CHECK(facts->agent_channel);
  CHECK(facts->emulation == "kvm");
}

TEST_CASE("libvirt: disks know their bus, place and what keeps them here", "[unit]") {
  const auto facts = parse_domain(whole);
  REQUIRE(facts);
  const auto& disks = facts->machine.disks;
  REQUIRE(disks.size() == 4);  // no CD-ROM
  CHECK(disks[0].bus == Bus::virtio_scsi);
  CHECK(facts->disks[0].path == "/images/a.qcow2");
  CHECK(facts->disks[0].format == "qcow2");
  CHECK_FALSE(disks[0].boots);
  CHECK(disks[1].bus == Bus::virtio_blk);
  CHECK(facts->disks[1].path == "/dev/vg/b");
  CHECK(disks[1].boots);
  CHECK(disks[2].bus == Bus::sata);
  CHECK(facts->disks[2].pool == "fast");
  CHECK(facts->disks[2].volume == "c");
  for (int i = 0; i < 3; ++i) CHECK(disks[i].left_out.empty());
  CHECK(disks[3].left_out.find("network") != std::string::npos);
}

TEST_CASE("libvirt: network cards and what does not travel", "[unit]") {
  const auto facts = parse_domain(whole);
  REQUIRE(facts);
  const Machine& machine = facts->machine;
  REQUIRE(machine.nics.size() == 2);
  CHECK(machine.nics[0].mac == "52:54:00:aa:bb:01");
  CHECK(machine.nics[0].network == "default");
  CHECK(machine.nics[0].connected == true);
  CHECK(machine.nics[1].network == "br0");
  CHECK(machine.nics[1].connected == false);
  std::string codes;
  for (const Concern& one : machine.concerns) codes += one.code + " ";
  CHECK(codes == "L-HOSTDEV L-TPM L-NVRAM ");
}

TEST_CASE("libvirt: reasons why a disk cannot be read", "[unit]") {
  const auto reason = [](const std::string& inside) {
    const auto facts = parse_domain("<domain><name>n</name><uuid>u</uuid><devices>" + inside +
                                    "</devices></domain>");
    REQUIRE(facts);
    REQUIRE(facts->machine.disks.size() == 1);
    return facts->machine.disks[0].left_out;
  };
  const std::string begin = "<disk type='file'><driver type='", file = "'/><source file='/a'/>";
  CHECK(reason(begin + "raw" + file + "</disk>").empty());
  CHECK(reason(begin + "vmdk" + file + "</disk>").find("vmdk") != std::string::npos);
  CHECK(reason(begin + "qcow2" + file + "<backingStore><source file='/b'/></backingStore></disk>")
            .find("backing") != std::string::npos);
  CHECK(reason(begin + "qcow2" + file + "<backingStore/></disk>").empty());
  CHECK(reason(begin + "raw" + file + "<encryption/></disk>").find("encrypt") != std::string::npos);
  CHECK(reason(begin + "raw" + file + "<transient/></disk>").find("thrown") != std::string::npos);
  CHECK(reason("<disk type='dir'><driver type='raw'/></disk>").find("dir") != std::string::npos);
}

TEST_CASE("libvirt: BIOS, UTC and the first disk where nothing is said", "[unit]") {
  const auto facts = parse_domain(
      "<domain type='qemu'><name>n</name><uuid>u</uuid><memory unit='bogus'>1</memory>"
      "<vcpu>many</vcpu><metadata><migration id='flyt-x'/></metadata><devices>"
      "<disk type='file'><source file='/a'/><target dev='hda' bus='ide'/></disk>"
      "</devices></domain>");
  REQUIRE(facts);
  CHECK(facts->machine.firmware.kind == FirmwareKind::bios);
  CHECK(facts->machine.clock == ClockBase::utc);
  CHECK(facts->machine.disks[0].boots);
  CHECK_FALSE(facts->machine.memory_bytes);
  CHECK_FALSE(facts->machine.cpus);
  CHECK(facts->machine.migration_id.empty());  // another namespace's element
}

TEST_CASE("libvirt: what is no domain is refused", "[unit]") {
  for (const char* text : {"", "<", "<volume/>", "<domain/>", "<domain><name>n</name></domain>"}) {
    const auto facts = parse_domain(text);
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == Errc::corrupt);
  }
}

TEST_CASE("libvirt: only guests of known vendors have a family", "[unit]") {
  const auto family = [](const std::string& id) {
    const auto facts = parse_domain(
        "<domain><name>n</name><uuid>u</uuid><metadata><o:libosinfo "
        "xmlns:o='http://libosinfo.org/xmlns/libvirt/domain/1.0'><o:os id='" +
        id + "'/></o:libosinfo></metadata></domain>");
    REQUIRE(facts);
    return facts->machine.guest.family;
  };
  CHECK(family("http://debian.org/debian/12") == GuestFamily::linux);
  CHECK(family("http://redhat.com/rhel/9.2") == GuestFamily::linux);
  CHECK(family("http://oracle.com/ol/8.6") == GuestFamily::linux);
  CHECK(family("http://libosinfo.org/linux/2022") == GuestFamily::linux);
  CHECK(family("http://microsoft.com/win/2k22") == GuestFamily::windows);
  CHECK(family("http://oracle.com/solaris/11.4") == GuestFamily::other);
  CHECK(family("http://freebsd.org/freebsd/13.1") == GuestFamily::other);
  CHECK(family("http://haiku-os.org/haiku/r1beta4") == GuestFamily::unknown);
  CHECK(family("http://libosinfo.org/unknown") == GuestFamily::unknown);
}

}  // namespace
}  // namespace flyt::virt
