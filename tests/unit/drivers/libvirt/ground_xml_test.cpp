#include "drivers/libvirt/ground_xml.hpp"

#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

TEST_CASE("libvirt: a pool, a volume and a network say what they are", "[unit]") {
  const auto pool = parse_pool(
      "<pool type='dir'><name>default</name><uuid>u</uuid><capacity unit='bytes'>100</capacity>"
      "<available unit='bytes'>40</available><target><path>/images</path></target></pool>");
  REQUIRE(pool);
  CHECK(pool->holds_files());
  CHECK(pool->path == "/images");
  CHECK(pool->capacity == 100U);
  CHECK(pool->available == 40U);

  const auto volume = parse_volume(
      "<volume type='file'><name>a</name><key>/i/a</key><capacity unit='bytes'>512</capacity>"
      "<target><path>/i/a</path><format type='qcow2'/></target>"
      "<backingStore><path>/i/base</path></backingStore></volume>");
  REQUIRE(volume);
  CHECK(volume->format == "qcow2");
  CHECK(volume->backing == "/i/base");
  CHECK(volume->capacity == 512U);

  const auto nat =
      parse_network("<network><name>n</name><forward/><bridge name='virbr0'/></network>");
  REQUIRE(nat);
  CHECK(nat->forward == "nat");
  CHECK(nat->bridge == "virbr0");
  CHECK_FALSE(nat->open_vswitch);
  const auto isolated = parse_network("<network><name>n</name></network>");
  REQUIRE(isolated);
  CHECK(isolated->forward.empty());
  const auto ovs =
      parse_network("<network><forward mode='bridge'/><virtualport type='openvswitch'/></network>");
  REQUIRE(ovs);
  CHECK(ovs->open_vswitch);
}

TEST_CASE("libvirt: KVM counts for the host's own architecture alone", "[unit]") {
  const std::string host =
      "<capabilities><host><uuid>h</uuid><cpu><arch>x86_64</arch></cpu></host>";
  const auto with = parse_capabilities(
      host +
      "<guest><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest>"
      "</capabilities>");
  REQUIRE(with);
  CHECK(with->host_uuid == "h");
  CHECK(with->kvm);
  const auto without = parse_capabilities(
      host + "<guest><arch name='aarch64'><domain type='kvm'/></arch></guest></capabilities>");
  REQUIRE(without);
  CHECK_FALSE(without->kvm);
}

TEST_CASE("libvirt: a TPM is emulated where the host says so", "[unit]") {
  const auto with = [](const std::string& enums) {
    return emulates_tpm("<domainCapabilities><devices><tpm supported='yes'>" + enums +
                        "</tpm></devices></domainCapabilities>");
  };
  const std::string models =
      "<enum name='model'><value>tpm-tis</value><value>tpm-crb</value></enum>";
  const std::string emulator =
      "<enum name='backendModel'><value>passthrough</value><value>emulator</value></enum>";
  CHECK(with(models + emulator));
  CHECK(with(models + emulator +
             "<enum name='backendVersion'><value>1.2</value><value>2.0</value></enum>"));
  CHECK_FALSE(with(models + emulator + "<enum name='backendVersion'><value>1.2</value></enum>"));
  // As a host without swtpm says.
  CHECK_FALSE(with(models + "<enum name='backendModel'><value>passthrough</value></enum>"));
  CHECK_FALSE(with("<enum name='model'><value>tpm-tis</value></enum>" + emulator));
  CHECK_FALSE(emulates_tpm("<domainCapabilities/>"));
  CHECK_FALSE(emulates_tpm(""));
}

TEST_CASE("libvirt: sizes that are no numbers are not guessed", "[unit]") {
  CHECK_FALSE(parse_volume("<volume><capacity>12x</capacity></volume>"));
  CHECK_FALSE(parse_volume("<volume/>"));
  CHECK_FALSE(parse_pool("<volume/>"));
  const auto pool = parse_pool("<pool><capacity unit='KiB'>4</capacity></pool>");
  REQUIRE(pool);
  CHECK_FALSE(pool->capacity);
}

TEST_CASE("libvirt: a volume to be made is sparse and keeps odd names whole", "[unit]") {
  const std::string xml = build_volume("a<b>&c", "raw", 1024);
  const auto volume = parse_volume(xml);
  REQUIRE(volume);
  CHECK(volume->name == "a<b>&c");
  CHECK(volume->capacity == 1024U);
  CHECK(volume->allocation == 0U);
  CHECK(volume->format == "raw");
}

}  // namespace
}  // namespace flyt::virt
