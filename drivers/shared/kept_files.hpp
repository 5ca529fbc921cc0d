// Volumes without a machine that are files: made on a landing host under a name that says whose
// they are, and handed over under their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/inventory.hpp"
#include "base/machine_spec.hpp"
#include "base/result.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt {

// One file of a migration. A file has no place for the migration's id once it has its own name, so
// that is kept in the state folder.
struct KeptFile {
  Owner owner;
  std::string host;         // the driver's word for where it lies
  Volume volume;            // as the platform names it once it is published
  std::string path;         // absolute, on the host; empty: it is no file, only its record is kept
  std::uint64_t bytes = 0;  // its exact length
  std::string stamp = {};   // of the published file, as `stat` tells it; empty: not yet
  std::string marked() const;  // its path until then
};

// The files of one endpoint. Records are durable before what they tell of is done. Thread-safe, one
// migration by one thread.
class KeptFiles {
 public:
  explicit KeptFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Nothing: this migration has made none, as far as this state folder knows.
  Result<std::optional<KeptFile>> find(const std::string& migration_id) const;
  Result<std::vector<KeptFile>> all() const;
  // Whether what a record tells of is there, as the platform sees it.
  using Looks = std::function<Result<bool>(const KeptFile& file)>;
  // find(), of what is there; and the first that is, of those with this Volume::id.
  Result<std::optional<KeptFile>> live(const std::string& migration_id, const Looks& looks) const;
  Result<std::optional<KeptFile>> live_as(const std::string& volume, const Looks& looks) const;
  Status keep(const KeptFile& file) const;
  Status forget(const std::string& migration_id) const;

  // Makes it, sparse, under its marked name; one that is there stays as it is. Errc::exists: its
  // own name is taken.
  Status make(const LandingHost& host, const KeptFile& file, const Call& call) const;
  // Whether it is there, under either name: whole, or as its users have made it since. One that
  // another has taken the place of is not.
  Result<bool> is_there(const LandingHost& host, const KeptFile& file, const Call& call) const;
  // `use` read or write, the latter until it is published.
  Result<std::unique_ptr<Channel>> open(const LandingHost& host, const KeptFile& file, Use use,
                                        const Owner& owner, const Call& call) const;
  // Ends what a lower epoch has open, cuts it to its length and gives it its name; nothing is
  // replaced: Errc::exists. Idempotent.
  Result<KeptFile> publish(const LandingHost& host, KeptFile file, const Owner& owner,
                           const Call& call) const;
  // Gone is success; its record stays. One that another has taken the place of stays, too.
  // Errc::denied: it is no disk, and somebody has written to it since it was handed over.
  Status remove(const LandingHost& host, const KeptFile& file, const Owner& owner,
                const Call& call) const;

 private:
  std::filesystem::path record(const std::string& migration_id) const {
    return folder_ / migration_id;
  }
  Result<std::string> seal(const LandingHost& host, const KeptFile& file, const Owner& owner,
                           const Call& call) const;

  const std::filesystem::path folder_;
};

// Errc::denied: only its migration writes to it, until it is published.
Status check_use(const KeptFile& file, Use use, const Owner& owner);
// One that is there already is the one that is asked for, or in the way: Errc::exists.
Status check_as_asked(const KeptFile& made, const MachineSpec& spec);
Machine stand_in(const KeptFile& file);

// The migration whose file this is, by the name that it has until it is published; empty: none.
std::string kept_mark_of(std::string_view name);

// Of a volume that somebody else made, for Disk::stamp. `path` as above.
Result<std::string> file_stamp(const LandingHost& host, const std::string& path, const Call& call);

}  // namespace flyt
