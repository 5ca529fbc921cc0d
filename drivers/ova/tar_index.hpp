// Where the members of a tar archive lie, without unpacking it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt {
class ByteWindow;
}

namespace flyt::ova {

struct TarMember {
  std::string name;  // relative, without "." and "..", unique in the archive
  std::uint64_t offset = 0, size = 0;
};

// Regular files in archive order (ustar, old GNU and pax names and sizes). Every member lies in the
// file. Errc::corrupt: no tar archive, or cut off, or a wrong checksum. Errc::invalid: links,
// devices, absolute names, "..", a name twice. Errc::unsupported: sparse and multi-volume members.
Result<std::vector<TarMember>> index_tar(const ByteWindow& file, const Call& call);

// `name` without "./"; empty when it is absolute, leaves its folder, or holds what no file name of
// a package may hold (control characters, backslashes, invalid UTF-8).
std::string safe_name(std::string_view name);

}  // namespace flyt::ova
