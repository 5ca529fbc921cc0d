// What a vSphere endpoint gives to somebody who does nothing with it: libcurl alone, answers thrown
// away. All throw std::runtime_error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace flyt::bench {

struct PlainServer {
  std::string url;  // "https://127.0.0.1:PORT"
  std::string user, password;
  std::filesystem::path certificate;
};

// Logs in, makes one container view, reads these properties of all machines, `page_objects` at
// once, and logs out. Bytes of the answers, of which only the paging token is looked for.
std::uint64_t read_properties(const PlainServer& server, const std::vector<std::string>& paths,
                              int page_objects);

// "NAME=VALUE" of the cookie of the session that reading `url` by name and password opens.
std::string session_cookie(const PlainServer& server, const std::string& url);

struct RangeRead {
  std::string url, cookie;
  std::uint64_t size_bytes = 0, request_bytes = 0;
  unsigned connections = 0;  // a thread each
};
void read_ranges(const PlainServer& server, const RangeRead& read);

}  // namespace flyt::bench
