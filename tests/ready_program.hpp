// Programs that stand in for a platform: they print one JSON line when they are ready, end with
// their standard input, and are told by HTTP what to do.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "base/process.hpp"

namespace flyt::tests {

// The line. `what` names the program in errors: "the vSphere lab".
Result<nlohmann::json> read_ready(Process& process, std::string_view what,
                                  std::chrono::nanoseconds patience);

// An answer's JSON; null where it has none. Throws std::runtime_error, with the answer, where it is
// refused.
nlohmann::json tell(Http& http, const std::string& url, std::string_view method,
                    const std::string& path, const nlohmann::json& body, std::string_view what);

}  // namespace flyt::tests
