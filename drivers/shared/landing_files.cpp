#include <fmt/format.h>

#include <sstream>

#include "base/units.hpp"
#include "drivers/shared/landing.hpp"
#include "drivers/shared/landing_host.hpp"

namespace flyt {
namespace {

// A batch of paths stays far below what one command takes, also by SSH.
constexpr std::size_t most_paths = 128, most_bytes = std::size_t{32} << 10;

Result<Finished> check_on(const LandingHost& host, const std::vector<std::string>& argv,
                          const Call& call) {
  FLYT_ASSIGN(Finished finished, landing_run(host, argv, call));
  if (finished.status == 0) return finished;
  return Error{Errc::unavailable,
               fmt::format("{}: {} ended with status {}", host.name, argv.front(), finished.status),
               std::move(finished.errors)};
}

// One line for each path from a script that gets them as its arguments.
Result<std::vector<std::string>> lines_for(const LandingHost& host, const char* script,
                                           const std::vector<std::string>& paths,
                                           const Call& call) {
  std::vector<std::string> lines;
  for (std::size_t to = 0; to < paths.size();) {
    std::vector<std::string> argv{"sh", "-c", script, "flyt-landing"};
    for (std::size_t i = 0, bytes = 0; i < most_paths && bytes < most_bytes && to < paths.size();
         ++i, ++to) {
      argv.push_back(paths[to]);
      bytes += paths[to].size();
    }
    FLYT_ASSIGN(const Finished finished, check_on(host, argv, call));
    std::istringstream text(finished.output);
    for (std::string line; std::getline(text, line);) lines.push_back(std::move(line));
    if (lines.size() != to) {
      return Error{Errc::unavailable, "the landing host answers otherwise than asked",
                   finished.output};
    }
  }
  return lines;
}

// $1 $2: inode and offset where the piece before ended; $3 $4: the longest piece, how far back a
// first one goes; then the log's names, the newest first. The file is looked at by its handle: its
// name may be another one's by then.
constexpr const char* log_script = R"sh(
inode=$1 from=$2 longest=$3 back=$4
shift 4
look() {
    command exec 3<"$1" || return
    set -- $(stat -L -c '%i %s' /dev/fd/3)
    id=$1 size=$2
}
newer='' found=''
for file do
    [ -e "$file" ] || continue  # the newest: it is being rotated just now
    look "$file" || exit
    if [ "$id" = "$inode" ] && [ "$size" -ge "$from" ]; then
        found=$file
        break
    fi
    newer=$file newer_id=$id
done
anew=0
if [ -z "$found" ]; then
    [ -e "$1" ] || exit 44
    newer='' anew=1 from=0
    look "$1" || exit
    [ "$size" -le "$back" ] || from=$((size - back))
elif [ -n "$newer" ] && [ "$size" -eq "$from" ]; then
    look "$newer" || exit
    if [ "$id" != "$newer_id" ]; then  # it is being rotated just now
        echo "$inode $from 0 1"
        exit
    fi
    from=0
    [ "$newer" != "$1" ] || newer=''
fi
more=0
[ "$((from + longest))" -ge "$size" ] && [ -z "$newer" ] || more=1
echo "$id $from $anew $more"
tail -c "+$((from + 1))" <&3 | head -c "$longest"
)sh";

}  // namespace

ConsoleText console_text(LogPiece piece) {
  return {.known = true,
          .anew = piece.anew,
          .text = std::move(piece.text),
          .next = std::move(piece.next),
          .more = piece.more};
}

Result<LogPiece> landing_log(const LandingHost& host, const std::string& path,
                             const std::string& after, const Call& call) {
  std::uint64_t inode = 0, from = 0;
  std::istringstream(after) >> inode >> from;
  std::vector<std::string> argv{"sh",
                                "-c",
                                log_script,
                                "flyt-landing",
                                std::to_string(inode),
                                std::to_string(from),
                                std::to_string(mib),
                                std::to_string(16 * mib)};
  for (std::string& file : log_files(path)) argv.push_back(std::move(file));
  FLYT_ASSIGN(Finished finished, landing_run(host, argv, call));
  if (finished.status == 44) return Error{Errc::not_found, fmt::format("{} is not there", path)};
  const auto end = finished.output.find('\n');
  int anew = 0, more = 0;
  if (finished.status == 0) {
    std::istringstream(finished.output.substr(0, end)) >> inode >> from >> anew >> more;
  }
  if (finished.status != 0 || end == std::string::npos) {
    return Error{Errc::denied,   fmt::format("{} cannot be read", path), finished.errors, "", "",
                 {as_root(host)}};
  }
  LogPiece piece{finished.output.substr(end + 1)};
  piece.next = fmt::format("{} {}", inode, from + piece.text.size());
  piece.anew = anew != 0;
  piece.more = more != 0;
  return piece;
}

std::vector<std::string> log_files(const std::string& path) {
  return {path, path + ".0", path + ".1", path + ".2"};
}

Status landing_remove(const LandingHost& host, const std::string& path, const Call& call) {
  FLYT_ASSIGN(const Finished finished, check_on(host, {"rm", "-f", "--", path}, call));
  (void)finished;
  return ok();
}

Result<std::vector<std::string>> landing_stamps(const LandingHost& host,
                                                const std::vector<std::string>& paths,
                                                const Call& call) {
  // The device's number is left out: it may change with a restart of the host.
  return lines_for(host,
                   "for p; do if [ -f \"$p\" ]; then stat -L -c 'inode %i, %s bytes, %.9Y, %.9Z' "
                   "-- \"$p\" 2>/dev/null || echo; else echo; fi; done",
                   paths, call);
}

Result<std::vector<std::optional<LandingSpace>>> landing_spaces(
    const LandingHost& host, const std::vector<std::string>& folders, const Call& call) {
  FLYT_ASSIGN(
      const std::vector<std::string> lines,
      lines_for(host, "for p; do stat -f -L -c '%S %b %a' -- \"$p\" 2>/dev/null || echo; done",
                folders, call));
  std::vector<std::optional<LandingSpace>> spaces;
  spaces.reserve(lines.size());
  for (const std::string& line : lines) {
    std::istringstream figures(line);
    std::uint64_t block = 0, all = 0, free = 0;
    if (figures >> block >> all >> free) {
      spaces.emplace_back(LandingSpace{block * all, block * free});
    } else {
      spaces.emplace_back();
    }
  }
  return spaces;
}

}  // namespace flyt
