#include "cli/plan_file.hpp"

#include <fmt/format.h>

#include "base/durable_file.hpp"
#include "cli/output_file.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

namespace fs = std::filesystem;

}  // namespace

Status check_plan_file(const fs::path& file, const fs::path& site) {
  constexpr OutputKind kind{"plan", "flyt plan -o", [](const fs::path& there) -> Status {
                              FLYT_TRY(read_plan(there));
                              return ok();
                            }};
  return check_output_file(kind, file, site);
}

Status write_plan(const fs::path& file, const Plan& plan) {
  const std::string text = plan_text(plan);
  if (const auto again = parse_plan(text); !again) {
    return Error{.code = Errc::invalid,
                 .what = "the plan would hold what flyt cannot read again",
                 .seen = again.error().seen.empty() ? again.error().what : again.error().seen,
                 .why = "a platform or the site says something that is beyond a plan's limits",
                 .state = "no plan was written",
                 .remedy = {"leave out the machine that it names: flyt plan --select WORDS"}};
  }
  return write_durably(file, text);
}

}  // namespace flyt::cli
