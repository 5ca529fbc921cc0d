#include "tests/unit/drivers/ova/package_maker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/units.hpp"

namespace flyt::tests {
namespace {

void put(std::string& block, std::size_t offset, std::string_view text) {
  block.replace(offset, text.size(), text);
}

std::string digest(const std::string& sum, std::string_view content) {
  Hasher hasher(sum == "SHA1" ? HashKind::sha1 : HashKind::sha256);
  hasher.add(content);
  return hasher.finish_hex();
}

constexpr std::string_view head = R"(<?xml version="1.0" encoding="UTF-8"?>
<Envelope vmw:buildId="build-0" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
)";

constexpr std::string_view machine = R"(  <NetworkSection>
    <Info>The list of logical networks</Info>
    <Network ovf:name="VM Network"><Description>The VM Network network</Description></Network>
  </NetworkSection>
  <VirtualSystem ovf:id="{name}">
    <Info>A virtual machine</Info>
    <Name>{name}</Name>
    <OperatingSystemSection ovf:id="96" vmw:osType="{os_type}">
      <Info>The kind of installed guest operating system</Info>
      <Description>{os_name}</Description>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware requirements</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType>
      </System>
      <Item>
        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>2</rasd:VirtualQuantity>
        <vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>512</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:Address>0</rasd:Address>
        <rasd:ElementName>SCSI Controller 0</rasd:ElementName>
        <rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>{scsi}</rasd:ResourceSubType>
        <rasd:ResourceType>6</rasd:ResourceType>
      </Item>
      <Item>
        <rasd:Address>{address}</rasd:Address>
        <rasd:AddressOnParent>7</rasd:AddressOnParent>
        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>VM Network</rasd:Connection>
        <rasd:ElementName>Network adapter 1</rasd:ElementName>
        <rasd:InstanceID>9</rasd:InstanceID>
        <rasd:ResourceSubType>{nic}</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType>
      </Item>
{items}      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="false"/>
{config}    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
)";

constexpr std::string_view drive = R"(      <Item>
        <rasd:AddressOnParent>{0}</rasd:AddressOnParent>
        <rasd:ElementName>Hard disk {1}</rasd:ElementName>
        <rasd:HostResource>ovf:/disk/vmdisk{1}</rasd:HostResource>
        <rasd:InstanceID>{2}</rasd:InstanceID>
        <rasd:Parent>3</rasd:Parent>
        <rasd:ResourceType>17</rasd:ResourceType>
      </Item>
)";

}  // namespace

std::string tar_entry(const TarEntry& entry) {
  std::string block(512, '\0');
  put(block, 0, entry.name.substr(0, 100));
  put(block, 100, "0000644");
  put(block, 108, "0000000");
  put(block, 116, "0000000");
  const std::uint64_t size = entry.content.size() + entry.claim_more;
  if (entry.binary_size) {
    block[124] = static_cast<char>(0x80);
    for (std::size_t i = 0; i != 8; ++i) block[135 - i] = static_cast<char>(size >> (8 * i));
  } else {
    put(block, 124, fmt::format("{:011o}", size));
  }
  put(block, 136, "00000000000");
  block[156] = entry.type;
  put(block, 157, entry.link);
  put(block, 257,
      entry.gnu ? std::string("ustar  \0", 8)
                : std::string("ustar\0"
                              "00",
                              8));
  put(block, 148, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(block, 148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  block += entry.content;
  block.resize((block.size() + 511) / 512 * 512);
  return block;
}

std::string tar(const std::vector<TarEntry>& entries) {
  std::string archive;
  for (const TarEntry& entry : entries) archive += tar_entry(entry);
  return archive + std::string(1024, '\0');
}

std::string pax(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string text;
  for (const auto& pair : pairs) {
    const std::string body = fmt::format(" {}={}\n", pair.first, pair.second);
    std::size_t length = body.size() + 1;
    while (fmt::format("{}{}", length, body).size() != length) ++length;
    text += fmt::format("{}{}", length, body);
  }
  return text;
}

std::string PackageMaker::descriptor() const {
  std::string files, list, items;
  for (std::size_t i = 0; i != disks.size(); ++i) {
    const File& disk = disks[i];
    files += fmt::format("    <File ovf:href=\"{}\" ovf:id=\"file{}\" ovf:size=\"{}\" {}/>\n",
                         disk.name, i + 1, disk.content.size(), disk.attributes);
    list += fmt::format(
        "    <Disk ovf:capacity=\"{}\" ovf:capacityAllocationUnits=\"byte\" "
        "ovf:diskId=\"vmdisk{}\" ovf:fileRef=\"file{}\" ovf:format=\"{}\" "
        "ovf:populatedSize=\"0\"/>\n",
        disk.capacity, i + 1, i + 1, disk.format);
    items += fmt::format(drive, i, i + 1, 11 + i);
  }
  return std::string(head) +
         fmt::format(
             "  <References>\n{}{}  </References>\n  <DiskSection>\n    <Info/>\n{}{}"
             "  </DiskSection>\n",
             files, more_files, list, more_disks) +
         fmt::format(machine, fmt::arg("name", name), fmt::arg("os_type", os_type),
                     fmt::arg("os_name", os_name), fmt::arg("scsi", scsi), fmt::arg("nic", nic),
                     fmt::arg("address", address), fmt::arg("items", items + more_items),
                     fmt::arg("config", more_config));
}

std::string PackageMaker::manifest() const {
  std::string text = fmt::format("{}({}.ovf)= {}\n", sum, name, digest(sum, descriptor()));
  for (const File& disk : disks) {
    text += fmt::format("{}({})= {}\n", sum, disk.name, digest(sum, disk.content));
  }
  return text;
}

std::vector<TarEntry> PackageMaker::entries() const {
  std::vector<TarEntry> all{{name + ".ovf", descriptor()}};
  if (!sum.empty()) all.push_back({name + ".mf", manifest()});
  for (const File& disk : disks) all.push_back({disk.name, disk.content});
  return all;
}

void write(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::filesystem::filesystem_error("write", path, {});
}

std::string read(const std::filesystem::path& path) { return read_file(path, gib).value_or(""); }

}  // namespace flyt::tests
