// The descriptor of a package (OVF, DMTF DSP0243), as it stands there: no judgement yet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt::ova {

struct OvfFile {
  std::string id, href;
  std::optional<std::uint64_t> size_bytes;  // as it lies in the package
  std::string compression;                  // "", "identity", "gzip", or what flyt does not know
  bool chunked = false;
};

struct OvfDisk {
  std::string id;
  std::string file;  // OvfFile::id; empty: a blank disk
  std::string format;
  std::string parent;  // OvfDisk::id of the disk that this one is a difference to
  std::uint64_t capacity_bytes = 0;
  std::optional<std::uint64_t> populated_bytes;
};

// One <Item>: CIM's resource allocation. Texts are as they stand there.
struct OvfItem {
  std::string instance, parent;  // InstanceID, Parent
  unsigned type = 0;             // ResourceType
  std::string sub_type, name, description, address, address_on_parent, units, quantity, connection;
  std::string cores_per_socket;
  std::string host_resource;  // "ovf:/disk/vmdisk1"
  std::optional<bool> automatic;
  std::map<std::string, std::string> config;  // vmw:Config
};

struct OvfSystem {
  std::string id, name;
  std::string hardware;                       // VirtualSystemType: "vmx-13"
  std::string os_id, os_type, os_name;        // CIM number, VMware's word, description
  std::string notes;                          // AnnotationSection
  std::vector<OvfItem> items;                 // of the default configuration, document order
  std::map<std::string, std::string> config;  // vmw:Config and vmw:ExtraConfig
};

struct OvfPackage {
  std::vector<OvfFile> files;
  std::vector<OvfDisk> disks;
  std::vector<std::string> networks;
  std::vector<OvfSystem> systems;  // at least one
  bool encrypted = false;          // parts of it can only be read with a key
};

// `what` begins errors: "web01.ova: web01.ovf". Errors as parse_xml(); Errc::corrupt also for
// what no OVF descriptor may be: no machine, two disks or files of one id, a size that is no
// number.
Result<OvfPackage> parse_ovf(std::string_view text, std::string_view what);

// "byte * 2^20", "MegaBytes", "GB": bytes of one unit. Empty is `otherwise`; unknown: nothing.
std::optional<std::uint64_t> ovf_unit(std::string_view text, std::uint64_t otherwise);
// Decimal digits only; too large or anything else: nothing.
std::optional<std::uint64_t> ovf_number(std::string_view text);

}  // namespace flyt::ova
