// A platform that is a folder: world.json says what stands in it, disks/ holds the bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/inventory.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "drivers/shared/file_lock.hpp"
#include "drivers/shared/process_mark.hpp"

namespace flyt::memory {

// A view as the platform keeps it. Its disks are own copies below views/.
struct HeldView {
  View view;
  std::string owner;  // migration id
};

// What the inventory does not show of a machine.
struct Inside {
  bool agent = false;     // the guest agent answers while the machine is on
  bool deaf = false;      // ignores a graceful power off
  std::string host_name;  // as the agent tells
  std::vector<std::string> addresses;
  std::string boots;    // what the console shows when the machine is switched on
  std::string console;  // what it has shown since then
  bool tracking = false;
  std::uint64_t changes = 0;                   // change ids handed out
  std::map<std::string, std::uint64_t> seeds;  // disk -> seed of its first content; none: zeroes
  std::vector<std::string> independent;        // disks that no view holds
  std::vector<HeldView> views;
  Enrolment enrolled;
  std::int64_t shown_from = 0;  // milliseconds of the system's clock: the inventory lags
};

// An NBD server that somebody runs over a disk of this world.
struct Server {
  std::string machine, disk;
  Use use = Use::read;
  Owner owner;
  ProcessMark process;
};

// How the platform behaves, bad habits too.
struct Habits {
  std::chrono::milliseconds settle{0};  // until the inventory shows a new machine
  std::uint64_t round_bytes = 1;        // disks are made in multiples of this
  std::string token_sha256;             // of the token it asks for; empty: none
  Inside created;                       // how machines that flyt makes will behave
};

struct World {
  Inventory ground;                      // machines, hosts, storages, networks, volumes, place
  std::map<std::string, Inside> inside;  // by Machine::id
  std::vector<Server> servers;
  Habits habits;
  EnrolmentChoices choices;  // what machines can be enrolled with; nothing: all of it

  Machine* machine(std::string_view id);
  Machine* made_by(std::string_view migration_id);
};

// Errc::not_found, with the nearest id there is.
Result<Machine*> find_machine(World& world, const std::string& id);
Result<Disk*> find_disk(Machine& machine, const std::string& id);

// world_json.cpp. Unknown members are ignored, missing ones have defaults.
Result<World> parse_world(std::string_view text);
std::string world_text(const World& world);

// Holds the world's lock: nobody else reads or changes it until this is destroyed.
class LockedWorld {
 public:
  World world;
  Status save() const;

 private:
  friend class WorldFolder;
  LockedWorld(World held, std::filesystem::path file, FileLock lock)
      : world(std::move(held)), file_(std::move(file)), lock_(std::move(lock)) {}
  std::filesystem::path file_;
  FileLock lock_;
};

// The folder. Holds no state: any number of threads and processes may use one.
class WorldFolder {
 public:
  // `token`: what a world that asks for one is shown.
  explicit WorldFolder(std::filesystem::path path, Secret token = {})
      : path_(std::move(path)), token_(std::move(token)) {}
  const std::filesystem::path& path() const noexcept { return path_; }

  // Errc::denied when the world asks for another token.
  Result<LockedWorld> lock(const Call& call) const;
  Status write(const World& world) const;  // a new world: makes the folder

  // Where the bytes of a disk, of its copy in a view, and of its copy at a change id are.
  std::filesystem::path disk(std::string_view machine, std::string_view disk) const;
  std::filesystem::path view(std::string_view machine, std::string_view view) const;
  std::filesystem::path change(std::string_view machine, std::string_view change_id) const;
  std::filesystem::path changes(std::string_view machine) const;

 private:
  std::filesystem::path path_;
  Secret token_;
};

}  // namespace flyt::memory
