// An overlay once nobody writes to it any more, and what a conversion has left in it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/process.hpp"

namespace flyt {

// A text as JSON writes it, with its quotes.
std::string json_string(std::string_view text);

// Runs a program of QEMU's, again as long as `call` lets it while another process holds the lock of
// the image: a server of this conversion, or of a flyt that was killed, is about to let go of it.
Result<Finished> check_unlocked(const std::vector<std::string>& argv, const Call& call);

// What stands in `overlay` itself, never in its backing: a cluster that it holds as zero is a
// change to zero. Waits as check_unlocked().
Result<std::vector<Extent>> map_overlay(const std::filesystem::path& overlay, const Call& call);

// The files and the folder's names are on stable storage when it succeeds.
Status sync_files(const std::filesystem::path& folder,
                  const std::vector<std::filesystem::path>& files);

}  // namespace flyt
