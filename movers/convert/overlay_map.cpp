#include "movers/convert/overlay_map.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/durable_file.hpp"
#include "movers/convert/changed_map.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds lock_poll{200};

// QEMU's words for a lock that another process holds; they are not translated.
bool is_locked(const Error& error) {
  return error.code == Errc::invalid && error.seen.find("lock") != std::string::npos &&
         error.seen.find("Failed to get") != std::string::npos;
}

Status sync_one(const fs::path& path, int flags) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file || ::fsync(file.get()) != 0) {
    return system_error("cannot sync " + path.native(), errno);
  }
  return ok();
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

Result<Finished> check_unlocked(const std::vector<std::string>& argv, const Call& call) {
  for (;;) {
    auto done = check({.argv = argv}, call);
    if (done || !is_locked(done.error())) return done;
    FLYT_TRY(wait(lock_poll, call, "waiting for a server to let go of a conversion's overlay"));
  }
}

// Without its backing: the map would name every extent of the whole disk. With the lock: virt-v2v's
// server may still be writing out what it holds when virt-v2v has ended.
Result<std::vector<Extent>> map_overlay(const fs::path& overlay, const Call& call) {
  const std::string alone = fmt::format(
      R"(json:{{"driver":"qcow2","backing":null,"file":{{"driver":"file","filename":{}}}}})",
      json_string(fs::absolute(overlay).native()));
  FLYT_ASSIGN(const Finished map,
              check_unlocked({"qemu-img", "map", "--output=json", alone}, call));
  return parse_changed_map(map.output);
}

Status sync_files(const fs::path& folder, const std::vector<fs::path>& files) {
  for (const fs::path& file : files) FLYT_TRY(sync_one(file, 0));
  return sync_one(folder, O_DIRECTORY);
}

}  // namespace flyt
