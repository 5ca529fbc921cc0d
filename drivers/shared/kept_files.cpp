#include "drivers/shared/kept_files.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <map>
#include <sstream>
#include <system_error>

#include "base/bare_volume.hpp"
#include "base/durable_file.hpp"
#include "base/units.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_record = 64 * kib;

// Each prints what became of it, in one word or line. `$1` is the marked name, `$2` the own one,
// `$3` the stamp of what is published: inode and time of birth, which tell whose a file is, and
// length and time of the last write, which tell whether it is as it was handed over.
constexpr std::string_view common = R"sh(
stamp() { stat -c '%i %W %s %.9Y' "$1" 2>/dev/null; }
is_ours() { [ -n "$3" ] && [ "$(stat -c '%i %W' "$2" 2>/dev/null)" = "${3% * *}" ]; }
)sh";

// `$4`: its length, `$5`: what it keeps from whom.
constexpr std::string_view make_script = R"sh(
umask "$5"
mkdir -p "${1%/*}" || exit
[ ! -e "$2" ] && [ ! -L "$2" ] || { echo taken; exit; }
[ -e "$1" ] || (set -C; : >"$1") || exit
[ "$(stat -c %s "$1")" -ge "$4" ] || truncate -s "$4" "$1" || exit
sync "$1" && sync "${1%/*}" && echo made)sh";

// `$4`: its length. One that is shorter was only begun.
constexpr std::string_view there_script = R"sh(
if [ -e "$1" ]; then
    [ "$(stat -c %s "$1")" -ge "$4" ] && echo yes || echo no
else
    is_ours "$@" && echo yes || echo no
fi)sh";

// `$4`: its length.
constexpr std::string_view seal_script = R"sh(truncate -s "$4" "$1" && sync "$1" && stamp "$1")sh";

// A link is refused where the name is taken; where there are no links, what `mv -n` says differs
// from version to version, so it is looked which file has the name now.
constexpr std::string_view name_script = R"sh(
if [ -e "$1" ] && ! is_ours "$@"; then
    ln -T "$1" "$2" 2>/dev/null || mv -nT "$1" "$2" 2>/dev/null || :
fi
is_ours "$@" || { echo taken; exit; }
rm -f "$1" && sync "${2%/*}" && echo named)sh";

// `$4`: "written", of what its users may write to.
constexpr std::string_view remove_script = R"sh(
if is_ours "$@"; then
    [ "$4" = written ] || [ "$(stamp "$2")" = "$3" ] || { echo changed; exit; }
    rm -f "$2" || exit
fi
rm -f "$1" && sync "${1%/*}" && echo removed)sh";

Result<std::string> ask(const LandingHost& host, std::string_view script, const KeptFile& file,
                        std::initializer_list<std::string> more, const Call& call) {
  std::vector<std::string> words{"sh",           "-c",          std::string(common).append(script),
                                 "flyt-landing", file.marked(), file.path,
                                 file.stamp};
  words.insert(words.end(), more);
  FLYT_ASSIGN(Finished done, landing_run(host, words, call));
  while (done.output.ends_with('\n')) done.output.pop_back();
  if (done.status == 0 && !done.output.empty()) return std::move(done.output);
  return Error{Errc::unavailable, fmt::format("{}: {} cannot be worked on", host.name, file.path),
               std::move(done.errors), "only root may look there, or there is no room"};
}

std::string bytes_of(const KeptFile& file) { return fmt::format("{}", file.bytes); }

// Images of discs and templates hold nobody's data, and are read by whoever the platform lets.
const char* mask_of(const KeptFile& file) {
  return file.volume.kind == "iso" || file.volume.kind == "template" ? "022" : "077";
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

Result<std::optional<KeptFile>> KeptFiles::live(const std::string& migration_id,
                                                const Looks& looks) const {
  FLYT_ASSIGN(auto file, find(migration_id));
  if (!file) return file;
  FLYT_ASSIGN(const bool there, looks(*file));
  return there ? std::move(file) : std::nullopt;
}

Result<std::optional<KeptFile>> KeptFiles::live_as(const std::string& volume,
                                                   const Looks& looks) const {
  FLYT_ASSIGN(std::vector<KeptFile> files, all());
  for (KeptFile& file : files) {
    if (file.volume.id != volume) continue;
    FLYT_ASSIGN(const bool there, looks(file));
    if (there) return std::optional(std::move(file));
  }
  return std::optional<KeptFile>();
}

Status KeptFiles::make(const LandingHost& host, const KeptFile& file, const Call& call) const {
  FLYT_ASSIGN(const std::vector<KeptFile> others, all());
  for (const KeptFile& other : others) {
    if (other.owner.id == file.owner.id || other.host != file.host || other.path != file.path) {
      continue;
    }
    FLYT_ASSIGN(const bool there, is_there(host, other, call));
    if (there) return taken(file);
  }
  FLYT_TRY(keep(file));
  FLYT_ASSIGN(const std::string said,
              ask(host, make_script, file, {bytes_of(file), mask_of(file)}, call));
  if (said != "taken") return ok();
  FLYT_TRY(forget(file.owner.id));
  return taken(file);
}

Result<bool> KeptFiles::is_there(const LandingHost& host, const KeptFile& file,
                                 const Call& call) const {
  FLYT_ASSIGN(const std::string said, ask(host, there_script, file, {bytes_of(file)}, call));
  return said == "yes";
}

Result<std::unique_ptr<Channel>> KeptFiles::open(const LandingHost& host, const KeptFile& file,
                                                 Use use, const Owner& owner,
                                                 const Call& call) const {
  FLYT_TRY(check_use(file, use, owner));
  LandingDisk disk{file.volume.name, file.stamp.empty() ? file.marked() : file.path, "raw", use,
                   owner};
  disk.shared = owner.id == file.owner.id && file.stamp.empty();
  disk.reads_zero = true;  // if it is found empty
  disk.size_bytes = file.bytes;
  return open_landing(host, disk, call);
}

Result<std::string> KeptFiles::seal(const LandingHost& host, const KeptFile& file,
                                    const Owner& owner, const Call& call) const {
  FLYT_ASSIGN(auto fence, open(host, file, Use::write, owner, call));
  FLYT_TRY(fence->close(call));
  return ask(host, seal_script, file, {bytes_of(file)}, call);
}

Result<KeptFile> KeptFiles::publish(const LandingHost& host, KeptFile file, const Owner& owner,
                                    const Call& call) const {
  if (file.stamp.empty()) {
    FLYT_ASSIGN(file.stamp, seal(host, file, owner, call));
    FLYT_TRY(keep(file));
  }
  FLYT_ASSIGN(const std::string said, ask(host, name_script, file, {}, call));
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
  const char* may = file.volume.kind == "disk" ? "written" : "";
  FLYT_ASSIGN(const std::string said, ask(host, remove_script, file, {may}, call));
  if (said == "removed") return ok();
  return Error{Errc::denied,
               fmt::format("{} was changed since it was handed over", file.path),
               "",
               "somebody has put something else into the file",
               "it was not removed",
               {"remove it by hand, if that is meant, and repeat the command"}};
}

Status KeptFiles::forget(const std::string& migration_id) const {
  std::error_code failed;
  fs::remove(record(migration_id), failed);
  if (failed) return system_error("removing a record of a volume", failed.value());
  return ok();
}

Status check_use(const KeptFile& file, Use use, const Owner& owner) {
  if (use == Use::read || (owner.id == file.owner.id && file.stamp.empty())) return ok();
  return Error{Errc::denied,
               owner.id == file.owner.id
                   ? fmt::format("{} has been handed over to its users", file.volume.id)
                   : fmt::format("{} was not made by this migration", file.volume.id)};
}

Status check_as_asked(const KeptFile& made, const MachineSpec& spec) {
  const std::uint64_t bytes = spec.disks.at(0).size_bytes;
  if (made.bytes == bytes && made.volume.kind == spec.bare) return ok();
  return Error{Errc::exists,
               fmt::format("{} was made by this migration, with {} bytes, not {}", made.volume.id,
                           made.bytes, bytes),
               "",
               "the source has changed since",
               "it was not touched",
               {fmt::format("flyt undo {} --target", spec.name), "then apply the plan again"}};
}

Machine stand_in(const KeptFile& file) {
  Machine machine = bare_machine(file.volume);
  machine.disks.front().stamp = file.stamp;
  return machine;
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
