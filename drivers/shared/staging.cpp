#include "drivers/shared/staging.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <vector>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/land.hpp"
#include "base/process.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_record = 64U << 10;
constexpr unsigned private_file = 0600;

Error lost(const StagedDisk& disk, const fs::path& folder) {
  return {
      Errc::not_found,
      fmt::format("{}: what was written to it is not here", disk.what),
      fmt::format("looked for in {}", folder.native()),
      "it was staged with another state folder, or somebody removed it",
      "nothing was sent to the machine on the target",
      {"apply with the state folder that made it", "or begin anew: flyt undo MACHINE --target"}};
}

// "key value" lines; those that begin with '.' are ours.
std::string written(const StagedState& state) {
  std::string text = fmt::format(".made {}\n.landed {}\n.stamp {}\n", state.made ? 1 : 0,
                                 state.landed ? 1 : 0, state.stamp);
  for (const auto& [key, value] : state.notes) text += fmt::format("{} {}\n", key, value);
  return text + ".end \n";
}

Result<StagedState> parsed(const std::string& text, const fs::path& path) {
  StagedState state;
  bool whole = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    if (key == ".made") {
      state.made = value == "1";
    } else if (key == ".landed") {
      state.landed = value == "1";
    } else if (key == ".stamp") {
      state.stamp = value;
    } else if (key == ".end") {
      whole = true;
    } else {
      state.notes[key] = value;
    }
  }
  if (whole) return state;
  return Error{Errc::corrupt, fmt::format("{} is no record of a staged disk", path.native())};
}

Result<LandingHost> here() { return landing_host("local"); }

Result<std::string> stamp_of(const fs::path& path, const Call& call) {
  FLYT_ASSIGN(const LandingHost host, here());
  FLYT_ASSIGN(const auto stamps, landing_stamps(host, {path.native()}, call));
  if (!stamps.front().empty()) return stamps.front();
  return Error{Errc::not_found, fmt::format("{} is not to be seen", path.native())};
}

}  // namespace

std::string StagedState::note(const std::string& key) const {
  const auto found = notes.find(key);
  return found == notes.end() ? std::string() : found->second;
}

fs::path Staging::folder(const Owner& owner) const { return staged_folder(state_, owner.id); }
fs::path Staging::image(const StagedDisk& disk) const {
  return folder(disk.owner) / fmt::format("{}.qcow2", disk.index);
}
fs::path Staging::record(const StagedDisk& disk) const {
  return folder(disk.owner) / fmt::format("{}.staged", disk.index);
}

Status Staging::begin(const Owner& owner, std::size_t disks) const {
  FLYT_TRY(remove(owner));
  FLYT_TRY(make_private_folder(state_ / "staged"));
  FLYT_TRY(make_private_folder(folder(owner)));
  for (std::size_t i = 0; i < disks; ++i) {
    FLYT_TRY(keep({.what = {}, .owner = owner, .index = i}, {}));
  }
  return ok();
}

Result<StagedState> Staging::state(const StagedDisk& disk) const {
  const auto text = read_file(record(disk), largest_record);
  if (!text && text.error().code == Errc::not_found) return lost(disk, folder(disk.owner));
  if (!text) return text.error();
  FLYT_ASSIGN(StagedState state, parsed(*text, record(disk)));
  std::error_code unseen;
  if (state.made && !fs::exists(image(disk), unseen)) return lost(disk, folder(disk.owner));
  return state;
}

Status Staging::keep(const StagedDisk& disk, const StagedState& state) const {
  return write_durably(record(disk), written(state), private_file);
}

// The record comes after the image: one that it does not know of has never been opened.
Status Staging::make(const StagedDisk& disk, StagedState& state, const Call& call) const {
  std::error_code ignored;  // qemu-img says it better
  fs::remove(image(disk), ignored);
  FLYT_TRY(within(disk.what, check({{"qemu-img", "create", "-q", "-f", "qcow2",
                                     image(disk).native(), std::to_string(disk.size_bytes)}},
                                   call)));
  state.made = true;
  state.notes = disk.notes;
  return keep(disk, state);
}

Result<std::unique_ptr<Channel>> Staging::open(const StagedDisk& disk, Use use,
                                               const Call& call) const {
  FLYT_ASSIGN(StagedState known, state(disk));
  if (!known.made) FLYT_TRY(make(disk, known, call));
  FLYT_ASSIGN(const LandingHost host, here());
  auto channel = open_landing(host,
                              {.what = disk.what,
                               .path = image(disk).native(),
                               .format = "qcow2",
                               .use = use,
                               .owner = disk.owner,
                               .shared = true,
                               .reads_zero = true,
                               .size_bytes = disk.size_bytes},
                              call);
  if (!channel || use == Use::read || !known.landed) return channel;
  // Only now: nobody else can have it open for writing, and nothing is written yet.
  known.landed = false;
  if (const Status kept = keep(disk, known); !kept) {
    (void)(*channel)->close(call);  // its own error matters less
    return kept.error();
  }
  return channel;
}

Result<StagedImage> Staging::seal(const StagedDisk& disk, const Call& call) const {
  FLYT_ASSIGN(const StagedState known, state(disk));
  if (!known.made) return lost(disk, folder(disk.owner));
  FLYT_ASSIGN(const LandingHost host, here());
  FLYT_ASSIGN(const auto channel, open_landing(host,
                                               {.what = disk.what,
                                                .path = image(disk).native(),
                                                .format = "qcow2",
                                                .use = Use::write,
                                                .owner = disk.owner,
                                                .shared = true,
                                                .size_bytes = disk.size_bytes},
                                               call));
  FLYT_TRY(channel->close(call));
  FLYT_ASSIGN(std::string stamp, stamp_of(image(disk), call));
  std::error_code failed;
  const std::uint64_t bytes = fs::file_size(image(disk), failed);
  if (failed) return Error{Errc::unavailable, disk.what, failed.message()};
  return StagedImage{image(disk), bytes, std::move(stamp)};
}

Status Staging::remove(const Owner& owner) const {
  if (owner.id.empty()) return Error{Errc::denied, "nobody's disks are not removed"};
  std::error_code failed;
  fs::remove_all(folder(owner), failed);
  if (!failed) return ok();
  return Error{Errc::unavailable, fmt::format("cannot remove {}", folder(owner).native()),
               failed.message()};
}

std::optional<std::uint64_t> Staging::free_bytes(const Call& call) const {
  // It may not be there yet.
  fs::path folder = state_;
  std::error_code unseen;
  while (!fs::exists(folder, unseen) && folder.has_relative_path()) folder = folder.parent_path();
  const auto host = here();
  const auto spaces = host ? landing_spaces(*host, {folder.native()}, call)
                           : Result<std::vector<std::optional<LandingSpace>>>(host.error());
  if (!spaces || !spaces->front()) return std::nullopt;
  return spaces->front()->free_bytes;
}

Result<fs::path> Staging::gate() const {
  FLYT_TRY(make_private_folder(state_ / "staged"));
  return state_ / "staged" / "sending";
}

Status read_whole(const fs::path& path, std::uint64_t bytes,
                  const std::function<Status(std::span<const std::byte>)>& take, const Call& call) {
  const std::string what = fmt::format("reading {}", path.native());
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error(what, errno);
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  std::uint64_t done = 0;
  for (;;) {
    FLYT_TRY(proceed(call, what));
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(what, errno);
    if (got == 0) break;
    done += static_cast<std::uint64_t>(got);
    FLYT_TRY(take(std::span(buffer).first(static_cast<std::size_t>(got))));
  }
  if (done == bytes) return ok();
  return Error{Errc::unavailable, what, fmt::format("{} bytes, not {}", done, bytes)};
}

Result<std::string> sha256_of(const StagedImage& image, const Call& call) {
  Hasher hasher;
  FLYT_TRY(read_whole(
      image.path, image.file_bytes,
      [&hasher](std::span<const std::byte> piece) {
        hasher.add(piece);
        return ok();
      },
      call));
  return hasher.finish_hex();
}

}  // namespace flyt
