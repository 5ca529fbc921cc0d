// Texts in whatever encoding Windows programs have written them.
#pragma once

#include <string>

namespace flyt::rvtools {

// Clean UTF-8. By its byte order mark; without one UTF-16 where every second byte is 0, UTF-8 where
// it is that, else Windows-1252. What is no character of its encoding becomes U+FFFD.
std::string to_utf8(std::string bytes);

}  // namespace flyt::rvtools
