#include "cli/output_file.hpp"

#include <fmt/format.h>

namespace flyt::cli {
namespace {

namespace fs = std::filesystem;

Error refused(const OutputKind& kind, const fs::path& file, std::string what) {
  return {.code = Errc::invalid,
          .what = std::move(what),
          .state = fmt::format("{} is untouched; nothing was done", file.native()),
          .remedy = {fmt::format("say another file: {} FILE", kind.command)}};
}

Status check_folder(const OutputKind& kind, const fs::path& file) {
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
                          fmt::format("or say another file: {} FILE", kind.command)}};
}

}  // namespace

Status check_output_file(const OutputKind& kind, const fs::path& file, const fs::path& site) {
  if (file.empty() || !file.has_filename()) {
    return Error{.code = Errc::invalid,
                 .what = fmt::format("-o: {:?} is no file", file.native()),
                 .state = "nothing was done",
                 .remedy = {fmt::format("{0} {1}.json", kind.command, kind.name)}};
  }
  FLYT_TRY(check_folder(kind, file));
  std::error_code error;
  // Not followed: writing would put a file in the place of a link.
  const fs::file_status there = fs::symlink_status(file, error);
  if (there.type() == fs::file_type::not_found) return ok();
  if (fs::equivalent(file, site, error)) {
    return refused(kind, file, fmt::format("{} is the site file", file.native()));
  }
  if (there.type() != fs::file_type::regular) {
    return refused(kind, file, fmt::format("{} is there and is no ordinary file", file.native()));
  }
  if (fs::file_size(file, error) == 0 && !error) return ok();
  if (const auto held = kind.read(file); !held) {
    Error other =
        refused(kind, file, fmt::format("{} is there and holds no {}", file.native(), kind.name));
    other.seen = held.error().what;
    return other;
  }
  return ok();
}

}  // namespace flyt::cli
