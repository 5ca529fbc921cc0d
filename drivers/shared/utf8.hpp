// What may stand in names and texts that others have written.
#pragma once

#include <string>
#include <string_view>

namespace flyt {

// Well-formed UTF-8 (RFC 3629) without control characters; tab and line ends only where
// `lines` says so.
bool is_clean_utf8(std::string_view text, bool lines = false) noexcept;

// The same text with U+FFFD for what is not.
std::string clean_utf8(std::string_view text, bool lines = false);

}  // namespace flyt
