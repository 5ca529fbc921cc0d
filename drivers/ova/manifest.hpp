// The manifest of a package (.mf): digests of its files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace flyt::ova {

struct ManifestEntry {
  std::string algorithm;         // as it stands there, in capitals: "SHA256"
  std::optional<HashKind> kind;  // nothing: flyt cannot compute it
  std::string file;
  std::string digest;  // lower-case hexadecimal
};

// Lines of "SHA256(web01-disk1.vmdk)= 12ab...". Errc::corrupt for any other line, a digest of the
// wrong length, or a file that stands there twice; Errc::invalid for more than 10000 files.
Result<std::vector<ManifestEntry>> parse_manifest(std::string_view text);

const ManifestEntry* find_entry(const std::vector<ManifestEntry>& entries, std::string_view file);

}  // namespace flyt::ova
