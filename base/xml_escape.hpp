// Text inside XML that we write.
#pragma once

#include <string>
#include <string_view>

namespace flyt {

// For element content and for attributes in either kind of quotes (XML 1.0, section 2.4).
std::string xml_escape(std::string_view text);

}  // namespace flyt
