// The file behind one disk of a package: what it is, whether it is what the manifest says, and
// how it is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/channel.hpp"
#include "base/result.hpp"
#include "drivers/ova/package.hpp"
#include "drivers/shared/vmdk.hpp"

namespace flyt::ova {

struct PackageDisk {
  enum class Kind : std::uint8_t { blank, raw, vmdk };
  Kind kind = Kind::blank;
  bool gzip = false;  // the file is packed as a whole, so it is read as a stream
  std::uint64_t size_bytes = 0;
  std::optional<OvfFile> reference;  // nothing: blank
  PackageFile file;
  std::optional<VmdkImage> image;  // a VMDK that can be read at random
  std::string format() const;      // Disk::format
};

// Reads only headers. `id` is a Disk::id of machine_of(). Errors say why the disk cannot be read.
Result<PackageDisk> look_at_disk(const Package& package, const std::string& id, const Call& call);

// Compares the whole file with its digest in the manifest, unless `notes` remembers that this was
// done with this very file. And, for a VMDK that is read at random, its tables.
Status check_disk(const Package& package, const PackageDisk& disk,
                  const std::filesystem::path& notes, const Call& call);

// NBD for what can be read at random (after check_disk()), else a stream that compares the digest
// as it passes: a wrong one is the last answer of next(). `what` begins errors.
Result<std::unique_ptr<Channel>> open_disk(const Package& package, const PackageDisk& disk,
                                           const std::string& what, const Call& call);

}  // namespace flyt::ova
