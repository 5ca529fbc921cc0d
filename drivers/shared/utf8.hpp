// What may stand in names and texts that others have written.
#pragma once

#include <string_view>

namespace flyt {

// Well-formed UTF-8 (RFC 3629) without control characters; tab and line ends only where
// `lines` says so.
bool is_clean_utf8(std::string_view text, bool lines = false) noexcept;

}  // namespace flyt
