#include "tests/conformance/subject_ova.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/units.hpp"
#include "drivers/ova/ova.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view descriptor_start = R"(<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
)";

constexpr std::string_view hardware = R"(<VirtualSystem ovf:id="{0}"><Name>{0}</Name>
  <VirtualHardwareSection>
    <System><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
    <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
      <rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
    <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
      <rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
      <rasd:VirtualQuantity>256</rasd:VirtualQuantity></Item>
    <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>6</rasd:ResourceType>
      <rasd:ResourceSubType>lsilogic</rasd:ResourceSubType></Item>
{1}  </VirtualHardwareSection>
</VirtualSystem></Envelope>
)";

std::string drive(std::size_t number) {
  return fmt::format(
      "    <Item><rasd:AddressOnParent>{0}</rasd:AddressOnParent>"
      "<rasd:HostResource>ovf:/disk/d{0}</rasd:HostResource>"
      "<rasd:InstanceID>{1}</rasd:InstanceID><rasd:Parent>3</rasd:Parent>"
      "<rasd:ResourceType>17</rasd:ResourceType></Item>\n",
      number, 10 + number);
}

std::string content_of(const fs::path& path) { return read_file(path, gib).value_or(""); }

class OvaPlatform final : public Platform {
 public:
  explicit OvaPlatform(bool packed) : packed_(packed) { fs::create_directories(packages_); }

  Result<std::unique_ptr<Driver>> connect() override {
    EndpointConfig config;
    config.name = "test";
    config.driver = "ova";
    config.values["path"] = packages_;
    config.state = folder_ / "state";
    return ova::open(config, {});
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    const fs::path parts = folder_ / "parts" / name;
    fs::create_directories(parts);
    std::string files, list, drives, manifest;
    std::vector<std::string> pack = {
        "tar",         "--format=ustar", "-C", parts, "-cf", packages_ / (name + ".ova"),
        name + ".ovf", name + ".mf"};
    for (std::size_t i = 0; i != disks.size(); ++i) {
      FLYT_ASSIGN(const std::string file, add_disk(parts, i, disks[i]));
      files += fmt::format("<File ovf:href=\"{}\" ovf:id=\"f{}\"{}/>\n", file, i,
                           packed_ ? " ovf:compression=\"gzip\"" : "");
      list += fmt::format(
          "<Disk ovf:capacity=\"{0}\" ovf:diskId=\"d{1}\" ovf:fileRef=\"f{1}\" "
          "ovf:format=\"http://www.vmware.com/interfaces/specifications/"
          "vmdk.html#streamOptimized\"/>\n",
          disks[i].size(), i);
      drives += drive(i);
      manifest += line(file, content_of(parts / file));
      pack.push_back(file);
    }
    const std::string text =
        fmt::format("{}<References>\n{}</References>\n<DiskSection>\n{}</DiskSection>\n{}",
                    descriptor_start, files, list, fmt::format(hardware, name, drives));
    std::ofstream(parts / (name + ".ovf")) << text;
    std::ofstream(parts / (name + ".mf")) << line(name + ".ovf", text) + manifest;
    FLYT_TRY(check({pack}, {}));
    return name + ".ova";
  }

  // All of a disk is compared with its digest before it is served, and this one is long.
  Result<std::string> add_slow_source(const std::string& name) override {
    const fs::path disk = packages_ / (name + ".img");
    std::ofstream(disk).close();
    fs::resize_file(disk, tib);
    std::ofstream(packages_ / (name + ".ovf")) << fmt::format(
        "{}<References>\n<File ovf:href=\"{}.img\" ovf:id=\"f0\"/>\n</References>\n<DiskSection>\n"
        "<Disk ovf:capacity=\"{}\" ovf:diskId=\"d0\" ovf:fileRef=\"f0\" ovf:format=\"raw\"/>\n"
        "</DiskSection>\n{}",
        descriptor_start, name, tib, fmt::format(hardware, name, drive(0)));
    std::ofstream(packages_ / (name + ".mf")) << line(name + ".img", "");
    return name + ".ovf";
  }

 private:
  static std::string line(const std::string& file, std::string_view content) {
    return fmt::format("SHA256({})= {}\n", file, to_hex(sha256(content)));
  }

  Result<std::string> add_disk(const fs::path& parts, std::size_t number,
                               const std::string& content) const {
    const fs::path raw = parts / "raw", vmdk = parts / fmt::format("disk{}.vmdk", number);
    std::ofstream(raw, std::ios::binary) << content;
    FLYT_TRY(check({{"qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o",
                     "subformat=streamOptimized", raw, vmdk}},
                   {}));
    if (!packed_) return vmdk.filename().string();
    FLYT_TRY(check({{"gzip", vmdk}}, {}));
    return vmdk.filename().string() + ".gz";
  }

  bool packed_;
  TempDir folder_;
  fs::path packages_ = folder_ / "packages";
};

}  // namespace

Subject ova_subject(std::string name, bool packed) {
  Subject subject;
  subject.name = std::move(name);
  subject.driver = "ova";
  subject.empty_disks = false;  // no VMDK can be empty
  subject.missing = [] {
    for (const std::string_view program : {"qemu-img", "qemu-nbd", "tar", "gzip"}) {
      if (!find_program(program)) return fmt::format("{} is not installed", program);
    }
    return std::string();
  };
  subject.make = [packed]() -> Result<std::unique_ptr<Platform>> {
    return std::unique_ptr<Platform>(std::make_unique<OvaPlatform>(packed));
  };
  return subject;
}

TEST_CASE("ova conforms", "[qemu]") { run_suite("ova"); }
TEST_CASE("ova with packed disks conforms", "[qemu]") { run_suite("ova, packed"); }

}  // namespace flyt::tests
