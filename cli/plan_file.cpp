#include "cli/plan_file.hpp"

#include <fmt/format.h>

#include "base/durable_file.hpp"
#include "plans/plan_document.hpp"

namespace flyt::cli {
namespace {

namespace fs = std::filesystem;

Error refused(const fs::path& file, std::string what) {
  return {.code = Errc::invalid,
          .what = std::move(what),
          .state = fmt::format("{} is untouched; nothing was done", file.native()),
          .remedy = {"say another file: flyt plan -o FILE"}};
}

Status check_folder(const fs::path& file) {
  const fs::path parent = file.parent_path();
  const fs::path folder = parent.empty() ? fs::path(".") : parent;
  std::error_code error;
  if (fs::is_directory(folder, error)) return ok();
  const bool there = fs::exists(folder, error);
  return Error{.code = there ? Errc::invalid : Errc::not_found,
               .what = there ? fmt::format("{} is no folder", folder.native())
                             : fmt::format("there is no folder {}", folder.native()),
               .state = "nothing was done",
               .remedy = {fmt::format("mkdir -p {}", folder.native()),
                          "or say another file: flyt plan -o FILE"}};
}

}  // namespace

Status check_plan_file(const fs::path& file, const fs::path& site) {
  if (file.empty() || !file.has_filename()) {
    return Error{.code = Errc::invalid,
                 .what = fmt::format("-o: {:?} is no file", file.native()),
                 .state = "nothing was done",
                 .remedy = {"flyt plan -o plan.json"}};
  }
  FLYT_TRY(check_folder(file));
  std::error_code error;
  // Not followed: writing would put a file in the place of a link.
  const fs::file_status there = fs::symlink_status(file, error);
  if (there.type() == fs::file_type::not_found) return ok();
  if (fs::equivalent(file, site, error)) {
    return refused(file, fmt::format("{} is the site file", file.native()));
  }
  if (there.type() != fs::file_type::regular) {
    return refused(file, fmt::format("{} is there and is no ordinary file", file.native()));
  }
  if (fs::file_size(file, error) == 0 && !error) return ok();
  if (const auto plan = read_plan(file); !plan) {
    Error no_plan = refused(file, fmt::format("{} is there and holds no plan", file.native()));
    no_plan.seen = plan.error().what;
    return no_plan;
  }
  return ok();
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
