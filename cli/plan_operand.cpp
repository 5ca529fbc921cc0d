#include "cli/plan_operand.hpp"

#include <fmt/format.h>

#include "cli/views/human/style.hpp"

namespace flyt::cli {

Failure with_plan_remedy(Failure failure, const std::string& file) {
  Error& error = failure.error;
  if (!error.remedy.empty() || error.what.find(file) == std::string::npos) return failure;
  const std::string word = shown_word(file);
  switch (error.code) {
    case Errc::not_found:
      error.remedy = {"name the file that flyt plan wrote, or make one:",
                      fmt::format("flyt plan -o {}", word)};
      break;
    case Errc::denied:
      error.remedy = {"run it as a user who may read it:", fmt::format("ls -l {}", word)};
      break;
    case Errc::invalid:
      error.remedy = {"name the file that flyt plan wrote"};
      break;
    default:
      return failure;
  }
  if (error.state.empty()) error.state = "nothing was done";
  return failure;
}

}  // namespace flyt::cli
