// Members of a zip file, one at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt::rvtools {

// The whole of one member, unpacked. Errc::not_found: there is none; Errc::invalid: it is there
// twice, or larger than `limit` bytes when it is unpacked, whatever the file says of its size;
// Errc::corrupt: it cannot be unpacked, or the file is no zip.
Result<std::string> read_member(const std::filesystem::path& zip, const std::string& name,
                                std::size_t limit, const Call& call);

}  // namespace flyt::rvtools
