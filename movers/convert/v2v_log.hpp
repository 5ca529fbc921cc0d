// What virt-v2v says while it works: JSON lines of --machine-readable, mixed with text for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flyt {

struct V2vLog {
  std::vector<std::string> warnings, errors;
  // One line of output. The text of a phase ("Inspecting the source"), or empty. Never throws.
  std::string_view add(std::string_view line);

 private:
  std::string phase_;
};

}  // namespace flyt
