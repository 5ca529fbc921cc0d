// What a conversion has left in its overlay, asked once nobody writes to it any more.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/channel.hpp"

namespace flyt {

// A text as JSON writes it, with its quotes.
std::string json_string(std::string_view text);

// What stands in `overlay` itself, never in its backing: a cluster that it holds as zero is a
// change to zero. Waits as long as `call` lets it for whoever holds the overlay for writing.
Result<std::vector<Extent>> map_overlay(const std::filesystem::path& overlay, const Call& call);

// The files and the folder's names are on stable storage when it succeeds.
Status sync_files(const std::filesystem::path& folder,
                  const std::vector<std::filesystem::path>& files);

}  // namespace flyt
