#include "tests/ready_program.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace flyt::tests {

Result<nlohmann::json> read_ready(Process& process, std::string_view what,
                                  std::chrono::nanoseconds patience) {
  FLYT_ASSIGN(const auto line, process.read_line(Call{}.within(patience)));
  if (line) return nlohmann::json::parse(*line);
  (void)process.wait(Call{}.within(patience));  // it says why before it ends
  return Error{Errc::internal, fmt::format("{} does not start", what), process.errors()};
}

nlohmann::json tell(Http& http, const std::string& url, std::string_view method,
                    const std::string& path, const nlohmann::json& body, std::string_view what) {
  constexpr std::chrono::minutes patience{5};
  HttpRequest request;
  request.method = method;
  request.url = url + path;
  if (!body.is_null()) request.body = body.dump();
  const auto answer = http.request(request, Call{}.within(patience));
  const std::string title = fmt::format("{} {} at {}", method, path, what);
  if (!answer) {
    throw std::runtime_error(
        fmt::format("{}: {} {}", title, answer.error().what, answer.error().seen));
  }
  if (answer->status != 200) {
    throw std::runtime_error(fmt::format("{}: {} {}", title, answer->status, answer->body));
  }
  return answer->body.empty() ? nlohmann::json() : nlohmann::json::parse(answer->body);
}

}  // namespace flyt::tests
