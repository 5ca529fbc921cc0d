// Country codes, for checking what a site file says.
#pragma once

#include <string_view>

namespace flyt::cli {

// An officially assigned ISO 3166-1 alpha-2 code, in capitals.
bool is_country(std::string_view code) noexcept;
// "GB" for "UK", "GR" for "EL", capitals for small letters; "": no idea.
std::string_view likely_country(std::string_view code) noexcept;

}  // namespace flyt::cli
