// Makes packages as VMware exports them, and wrong ones, for tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flyt::tests {

struct TarEntry {
  std::string name;
  std::string content = {};
  char type = '0';
  std::string link = {};
  bool gnu = false;              // else POSIX
  bool binary_size = false;      // base 256 instead of octal digits
  std::uint64_t claim_more = 0;  // bytes that the header states and the archive lacks
};
std::string tar_entry(const TarEntry& entry);
std::string tar(const std::vector<TarEntry>& entries);  // with end marker
std::string pax(const std::vector<std::pair<std::string, std::string>>& pairs);

struct PackageMaker {
  struct File {
    std::string name, content;
    std::uint64_t capacity = 0;
    std::string format =
        "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";
    std::string attributes = {};  // of the File element: ovf:compression="gzip"
  };
  std::string name = "web01";
  std::vector<File> disks;
  std::string scsi = "lsilogic", nic = "E1000", address = "00:50:56:AB:cd:01";
  std::string more_files = {}, more_items = {}, more_config = {}, more_disks = {};
  std::string os_type = "debian12_64Guest", os_name = "Debian GNU/Linux 12 (64-bit)";
  std::string sum = "SHA256";  // "SHA1"; "": no manifest

  std::string descriptor() const;
  std::string manifest() const;
  std::vector<TarEntry> entries() const;
  std::string ova() const { return tar(entries()); }
};

void write(const std::filesystem::path& path, std::string_view content);
std::string read(const std::filesystem::path& path);

}  // namespace flyt::tests
