// Puts the records of a manifest into block order, in a new file beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include "movers/manifest_record.hpp"

namespace flyt::movers {

struct SealRequest {
  std::filesystem::path path;          // replaced when all is well
  ManifestHeader header;               // as it is now
  std::span<const std::byte> records;  // checked
  std::size_t sorted = 0;              // so many are in block order from the start
  std::optional<ViewNumber> complete;  // see Manifest::seal()
};

Status seal_manifest(const SealRequest& request);

}  // namespace flyt::movers
