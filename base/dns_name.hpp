// Names as host names may be: labels of letters, digits and '-', joined by dots (RFC 1123, 2.1).
#pragma once

#include <string>
#include <string_view>

namespace flyt {

bool is_dns_name(std::string_view text);

// The nearest that is one: "Rådhus web_01" becomes "Raadhus-web-01". Letters of Latin-1 are written
// as Danes and Germans write them without; what is no letter becomes '-'. Empty: nothing is left.
std::string dns_name_from(std::string_view text);

}  // namespace flyt
