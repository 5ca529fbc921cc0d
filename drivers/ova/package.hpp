// The files of one package: an OVA, or the folder in which an OVF descriptor stands.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/result.hpp"
#include "drivers/ova/manifest.hpp"
#include "drivers/ova/ovf.hpp"
#include "drivers/ova/tar_index.hpp"

namespace flyt {
class ByteWindow;
}

namespace flyt::ova {

// When these are the same, the content is taken to be the same.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t changed_ns = 0;  // ctime: nobody can set it back, as they can mtime
  bool operator==(const FileIdentity&) const = default;
};
std::string to_string(const FileIdentity& identity);  // one word

// One file of a package: a part of `path`.
struct PackageFile {
  std::string name;            // in the package
  std::filesystem::path path;  // the OVA, or the file itself
  FileIdentity identity;       // of `path`
  std::uint64_t offset = 0, size = 0;
  std::shared_ptr<const FileDescriptor> descriptor;  // open for reading
};

// Opens what is open as `file`, for this process and its children, whatever bears its name by now.
std::string handle_path(const PackageFile& file);
// Errc::corrupt: it was written, renamed or removed since its identity was taken. `what` begins
// the error.
Status check_unchanged(const PackageFile& file, std::string_view what);

// Everything about a package but the content of its disks. Immutable.
class Package {
 public:
  // `path`: an .ova or .ovf, or a link to one; `name` is for errors and ids. Reads descriptor and
  // manifest and compares the descriptor's digest. Errc::corrupt, invalid, unsupported: this
  // package cannot be used; else the file system's error.
  static Result<Package> open(const std::filesystem::path& path, std::string name,
                              const Call& call);

  const std::string& name() const { return name_; }
  const OvfPackage& ovf() const { return ovf_; }
  const std::string& descriptor_digest() const { return descriptor_digest_; }  // SHA-256, hex
  bool has_manifest() const { return has_manifest_; }
  const std::vector<ManifestEntry>& manifest() const { return manifest_; }
  bool has_certificate() const { return has_certificate_; }

  // The file of a reference; its digest in the manifest, if it is listed.
  Result<PackageFile> file(const OvfFile& reference) const;
  const ManifestEntry* listed(const OvfFile& reference) const;
  const std::string& descriptor() const { return descriptor_; }  // its name, as manifests list it
  // `file` for reading; errors begin with package and file.
  std::shared_ptr<const ByteWindow> window(const PackageFile& file) const;

 private:
  Package() = default;
  Status load(const Call& call);
  Result<std::string> find_descriptor() const;
  Status load_manifest(const std::string& stem, std::string_view text);
  // Nothing: the package has no such file.
  Result<std::optional<PackageFile>> find(const std::string& member) const;
  Result<std::optional<std::string>> text_of(const std::string& member) const;

  std::string name_;
  std::filesystem::path path_;
  bool is_tar_ = false;
  PackageFile opened_;              // the .ova or .ovf
  std::vector<TarMember> members_;  // OVA only
  std::string folder_;              // of the descriptor in the OVA, with '/', or empty
  std::string descriptor_;
  OvfPackage ovf_;
  std::string descriptor_digest_;
  bool has_manifest_ = false, has_certificate_ = false;
  std::vector<ManifestEntry> manifest_;
};

}  // namespace flyt::ova
