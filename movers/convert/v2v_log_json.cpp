#include <nlohmann/json.hpp>

#include "movers/convert/v2v_log.hpp"

namespace flyt {

std::string_view V2vLog::add(std::string_view line) {
  const nlohmann::json event = nlohmann::json::parse(line, nullptr, false);
  if (!event.is_object()) return {};
  const auto text = [&](const char* name) {
    const auto at = event.find(name);
    return at != event.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const std::string type = text("type");
  const std::string message = text("message");
  if (type == "warning") warnings.push_back(message);
  if (type == "error") errors.push_back(message);
  if (type != "message" || message.empty()) return {};
  phase_ = message;
  return phase_;
}

}  // namespace flyt
