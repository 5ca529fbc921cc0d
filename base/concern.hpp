// A finding about a machine or a plan, made before anything moves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flyt {

enum class Severity : std::uint8_t { info, warning, blocker };

struct Concern {
  std::string code;  // stable, for scripts and `flyt assess --explain`: "V-RDM-PHYSICAL"
  Severity severity = Severity::info;
  std::string machine;  // name; empty: the whole plan
  std::string text;     // one line, what is so
  std::string remedy;   // what to do about it; may be empty
};

std::string_view to_string(Severity severity) noexcept;

}  // namespace flyt
