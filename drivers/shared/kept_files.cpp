#include "drivers/shared/kept_files.hpp"

#include <fmt/format.h>

#include <map>
#include <sstream>
#include <system_error>

#include "base/durable_file.hpp"
#include "base/units.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_record = 64 * kib;

// Each prints what became of it, in one word or line; `$1` is the marked name, `$2` the own one.
constexpr const char* make_script = R"sh(
umask 022
mkdir -p "${1%/*}" || exit
[ ! -e "$2" ] && [ ! -L "$2" ] || { echo taken; exit; }
[ -e "$1" ] || (set -C; : >"$1") || exit
[ "$(stat -c %s "$1")" -ge "$3" ] || truncate -s "$3" "$1" || exit
sync "$1" && sync "${1%/*}" && echo made)sh";

// `$3`: the stamp of what is published. `%Z` is left out: giving it its name changes it.
constexpr const char* there_script = R"sh(
[ ! -e "$1" ] || { echo yes; exit; }
[ -n "$3" ] && [ "$(stat -c '%i %s %.9Y' "$2" 2>/dev/null)" = "$3" ] && echo yes || echo no)sh";

constexpr const char* seal_script = R"sh(
truncate -s "$3" "$1" && sync "$1" && stat -c '%i %s %.9Y' "$1")sh";

// A link is refused where the name is taken; where there are no links, `mv -n` says nothing, so it
// is looked which file has the name now.
constexpr const char* name_script = R"sh(
has() { [ "$(stat -c '%i %s %.9Y' "$2" 2>/dev/null)" = "$3" ]; }
if [ -e "$1" ] && ! has "$@"; then
    ln "$1" "$2" 2>/dev/null || mv -n "$1" "$2" || exit
fi
has "$@" || { echo taken; exit; }
rm -f "$1" && sync "${2%/*}" && echo named)sh";

constexpr const char* remove_script = R"sh(
[ -z "$3" ] || [ "$(stat -c '%i %s %.9Y' "$2" 2>/dev/null)" != "$3" ] || rm -f "$2" || exit
rm -f "$1" && sync "${1%/*}" && echo removed)sh";

Result<std::string> ask(const LandingHost& host, const char* script, const KeptFile& file,
                        const std::string& third, const Call& call) {
  FLYT_ASSIGN(
      Finished done,
      landing_run(host, {"sh", "-c", script, "flyt-landing", file.marked(), file.path, third},
                  call));
  while (done.output.ends_with('\n')) done.output.pop_back();
  if (done.status == 0 && !done.output.empty()) return std::move(done.output);
  return Error{Errc::unavailable, fmt::format("{}: {} cannot be worked on", host.name, file.path),
               std::move(done.errors), "only root may look there, or there is no room"};
}

Error taken(const KeptFile& file) {
  return {Errc::exists,
          fmt::format("there is a {} called {} already", file.volume.kind, file.path),
          "",
          "nothing that is there is replaced",
          "it was not touched",
          {fmt::format("where it is the same nothing has to be moved; else remove or rename it")}};
}

std::string text_of(const KeptFile& file) {
  const Volume& volume = file.volume;
  std::string text = fmt::format("bytes {}\nsize {}\n", file.bytes, volume.size_bytes);
  for (const auto& [key, value] : {std::pair<const char*, const std::string&>{"host", file.host},
                                   {"id", volume.id},
                                   {"name", volume.name},
                                   {"storage", volume.storage},
                                   {"kind", volume.kind},
                                   {"format", volume.format},
                                   {"path", file.path},
                                   {"stamp", file.stamp}}) {
    text += fmt::format("{} {}\n", key, value);
  }
  return text + "end \n";
}

Result<KeptFile> file_from(const std::string& text, const fs::path& record) {
  KeptFile file;
  file.owner.id = file.volume.migration_id = record.filename().native();
  bool whole = false;
  const std::map<std::string, std::string*> texts{
      {"host", &file.host},        {"id", &file.volume.id},
      {"name", &file.volume.name}, {"storage", &file.volume.storage},
      {"kind", &file.volume.kind}, {"format", &file.volume.format},
      {"path", &file.path},        {"stamp", &file.stamp}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    whole = whole || key == "end";
    if (key == "bytes") std::istringstream(value) >> file.bytes;
    if (key == "size") std::istringstream(value) >> file.volume.size_bytes;
    if (const auto found = texts.find(key); found != texts.end()) *found->second = value;
  }
  if (whole && !file.volume.id.empty()) return file;
  return Error{Errc::corrupt,
               fmt::format("{} is damaged", record.native()),
               "",
               "it tells which volume a migration has made",
               "nothing was touched",
               {"restore it, or remove what the migration made by hand and then this file"}};
}

}  // namespace

std::string KeptFile::marked() const { return fmt::format("{}.{}.part", path, owner.id); }

Status KeptFiles::keep(const KeptFile& file) const {
  FLYT_TRY(make_private_folder(folder_));
  for (const std::string* one : {&file.path, &file.volume.name, &file.volume.id}) {
    if (one->find('\n') != std::string::npos) {
      return Error{Errc::invalid, "a volume's name has a line break"};
    }
  }
  return write_durably(record(file.owner.id), text_of(file), 0600);
}

Result<std::optional<KeptFile>> KeptFiles::find(const std::string& migration_id) const {
  if (migration_id.empty()) return std::optional<KeptFile>();
  auto text = read_file(record(migration_id), largest_record);
  if (!text && text.error().code == Errc::not_found) return std::optional<KeptFile>();
  if (!text) return text.error();
  FLYT_ASSIGN(KeptFile file, file_from(*text, record(migration_id)));
  return std::optional(std::move(file));
}

Result<std::vector<KeptFile>> KeptFiles::all() const {
  std::vector<KeptFile> files;
  std::error_code none;  // nothing was ever kept here
  for (const auto& entry : fs::directory_iterator(folder_, none)) {
    const std::string name = entry.path().filename().native();
    if (!name.starts_with("flyt-") || name.find('.') != std::string::npos) continue;
    FLYT_ASSIGN(auto file, find(name));
    if (file) files.push_back(*std::move(file));
  }
  return files;
}

Status KeptFiles::make(const LandingHost& host, const KeptFile& file, const Call& call) const {
  FLYT_TRY(keep(file));
  FLYT_ASSIGN(const std::string said,
              ask(host, make_script, file, fmt::format("{}", file.bytes), call));
  if (said != "taken") return ok();
  std::error_code ignored;  // a record of what is not there says nothing
  fs::remove(record(file.owner.id), ignored);
  return taken(file);
}

Result<bool> KeptFiles::is_there(const LandingHost& host, const KeptFile& file,
                                 const Call& call) const {
  FLYT_ASSIGN(const std::string said, ask(host, there_script, file, file.stamp, call));
  return said == "yes";
}

Result<std::unique_ptr<Channel>> KeptFiles::open(const LandingHost& host, const KeptFile& file,
                                                 Use use, const Owner& owner,
                                                 const Call& call) const {
  const bool ours = owner.id == file.owner.id;
  if (use == Use::write && (!ours || !file.stamp.empty())) {
    return Error{Errc::denied, ours ? fmt::format("{} has been handed over to its users", file.path)
                                    : fmt::format("{} was not made by this migration", file.path)};
  }
  LandingDisk disk{file.volume.name, file.stamp.empty() ? file.marked() : file.path, "raw", use,
                   owner};
  disk.shared = ours && file.stamp.empty();
  disk.reads_zero = true;  // if it is found empty
  disk.size_bytes = file.bytes;
  return open_landing(host, disk, call);
}

Result<std::string> KeptFiles::seal(const LandingHost& host, const KeptFile& file,
                                    const Owner& owner, const Call& call) const {
  FLYT_ASSIGN(auto fence, open(host, file, Use::write, owner, call));
  FLYT_TRY(fence->close(call));
  return ask(host, seal_script, file, fmt::format("{}", file.bytes), call);
}

Result<KeptFile> KeptFiles::publish(const LandingHost& host, KeptFile file, const Owner& owner,
                                    const Call& call) const {
  if (file.stamp.empty()) {
    FLYT_ASSIGN(file.stamp, seal(host, file, owner, call));
    FLYT_TRY(keep(file));
  }
  FLYT_ASSIGN(const std::string said, ask(host, name_script, file, file.stamp, call));
  if (said == "named") return file;
  return taken(file);
}

Status KeptFiles::remove(const LandingHost& host, const KeptFile& file, const Owner& owner,
                         const Call& call) const {
  if (file.stamp.empty()) {
    auto fence = open(host, file, Use::write, owner, call);
    if (!fence && fence.error().code != Errc::not_found) return fence.error();
    if (fence) FLYT_TRY((*fence)->close(call));
  }
  FLYT_TRY(ask(host, remove_script, file, file.stamp, call));
  return forget(file.owner.id);
}

Status KeptFiles::forget(const std::string& migration_id) const {
  std::error_code failed;
  fs::remove(record(migration_id), failed);
  if (failed) return system_error("removing a record of a volume", failed.value());
  return ok();
}

std::string kept_mark_of(std::string_view name) {
  constexpr std::string_view end = ".part", begin = ".flyt-";
  const auto at = name.rfind(begin);
  if (at == std::string_view::npos || !name.ends_with(end)) return {};
  return std::string(name.substr(at + 1, name.size() - end.size() - at - 1));
}

Result<std::string> file_stamp(const LandingHost& host, const std::string& path, const Call& call) {
  FLYT_ASSIGN(const auto stamps, landing_stamps(host, {path}, call));
  return stamps.empty() ? std::string() : stamps.front();
}

}  // namespace flyt
