#include "drivers/memory/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/units.hpp"
#include "base/uri.hpp"

namespace flyt::memory {
namespace {

constexpr std::uint64_t longest_world = 64 * mib;

Error not_there(std::string what, std::string_view wanted,
                const std::vector<std::string_view>& known) {
  Error error{Errc::not_found, std::move(what)};
  if (const auto near = nearest(wanted, known); !near.empty()) {
    error.remedy.push_back(fmt::format("did you mean {}?", near));
  }
  return error;
}

// A machine's id may hold anything; a file's name may not, and ".." is one.
std::string file_name(std::string_view id) { return "_" + percent_encode(id); }

}  // namespace

Machine* World::machine(std::string_view id) {
  const auto found = std::find_if(ground.machines.begin(), ground.machines.end(),
                                  [id](const Machine& one) { return one.id == id; });
  return found == ground.machines.end() ? nullptr : &*found;
}

Machine* World::made_by(std::string_view migration_id) {
  if (migration_id.empty()) return nullptr;
  const auto found =
      std::find_if(ground.machines.begin(), ground.machines.end(),
                   [&](const Machine& one) { return one.migration_id == migration_id; });
  return found == ground.machines.end() ? nullptr : &*found;
}

Result<Machine*> find_machine(World& world, const std::string& id) {
  if (Machine* machine = world.machine(id)) return machine;
  std::vector<std::string_view> known;
  for (const Machine& one : world.ground.machines) known.push_back(one.id);
  return not_there(fmt::format("there is no machine {}", id), id, known);
}

Result<Disk*> find_disk(Machine& machine, const std::string& id) {
  std::vector<std::string_view> known;
  for (Disk& disk : machine.disks) {
    if (disk.id == id) return &disk;
    known.push_back(disk.id);
  }
  return not_there(fmt::format("{} has no disk {}", machine.name, id), id, known);
}

Status LockedWorld::save() const { return write_durably(file_, world_text(world), 0600); }

Result<LockedWorld> WorldFolder::lock(const Call& call) const {
  const std::filesystem::path file = path_ / "world.json";
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    // Not "not_found", which would be a machine's: what is missing is the whole platform.
    Error error{Errc::unavailable, fmt::format("there is no world in {}", path_.native())};
    error.remedy.emplace_back("the key `world` names a folder that holds world.json");
    return error;
  }
  FLYT_ASSIGN(FileLock lock, FileLock::take(path_ / "world.lock", call));
  FLYT_ASSIGN(const std::string text, read_file(file, longest_world));
  FLYT_ASSIGN(World world, within(file.native(), parse_world(text)));
  const std::string& wanted = world.habits.token_sha256;
  if (!wanted.empty() && wanted != to_hex(sha256(token_.reveal()))) {
    return Error{.code = Errc::denied,
                 .what = fmt::format("the world in {} refuses us", path_.native()),
                 .seen = token_.empty() ? "it asks for a token" : "another token is wanted",
                 .remedy = {"the key `token` says where the token comes from"}};
  }
  return LockedWorld(std::move(world), file, std::move(lock));
}

Status WorldFolder::write(const World& world) const {
  std::error_code failed;
  std::filesystem::create_directories(path_, failed);
  if (failed) return system_error(fmt::format("making {}", path_.native()), failed.value());
  return write_durably(path_ / "world.json", world_text(world), 0600);
}

std::filesystem::path WorldFolder::disk(std::string_view machine, std::string_view disk) const {
  return path_ / "disks" / file_name(machine) / (file_name(disk) + ".raw");
}

std::filesystem::path WorldFolder::view(std::string_view machine, std::string_view view) const {
  return path_ / "views" / file_name(machine) / file_name(view);
}

std::filesystem::path WorldFolder::changes(std::string_view machine) const {
  return path_ / "changes" / file_name(machine);
}

std::filesystem::path WorldFolder::change(std::string_view machine,
                                          std::string_view change_id) const {
  return changes(machine) / file_name(change_id);
}

}  // namespace flyt::memory
