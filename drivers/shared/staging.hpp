// Disks that are written here first, since their platform takes an image only whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/channel.hpp"
#include "base/machine_spec.hpp"
#include "base/result.hpp"

namespace flyt {

// What is known of a staged disk; it outlives processes and power cuts.
struct StagedState {
  bool made = false;    // its image is there, or was
  bool landed = false;  // and has not been opened for writing since
  std::string stamp;    // StagedImage::stamp of what was landed
  // The driver's own: what it has left on the platform, what the image became there. No line
  // breaks.
  std::map<std::string, std::string> notes;
  std::string note(const std::string& key) const;  // empty: there is none
};

// An image that nobody writes to, and its bytes as a file.
struct StagedImage {
  std::filesystem::path path;
  std::uint64_t file_bytes = 0;
  std::string stamp;  // another one: it was written to
};

struct StagedDisk {
  std::string what;  // starts its errors: "web01: disk 0"
  Owner owner;
  std::size_t index = 0;
  std::uint64_t size_bytes = 0;
  std::map<std::string, std::string> notes = {};  // StagedState::notes once it is made
};

// The staged disks of one site, each migration's in a private folder of its own (staged_folder()).
// An image is a sparse qcow2 file, made when it is first opened. Thread-safe, one disk by one
// thread.
class Staging {
 public:
  explicit Staging(std::filesystem::path state) : state_(std::move(state)) {}

  // Before its machine is made: what was staged for the migration is gone, `disks` may be opened.
  Status begin(const Owner& owner, std::size_t disks) const;
  // Errc::not_found: it was staged in another state folder, or lost; nothing may take its place.
  Result<StagedState> state(const StagedDisk& disk) const;
  Status keep(const StagedDisk& disk, const StagedState& state) const;

  // As open_landing() on this machine, whose rules for owners and epochs it has. For writing:
  // StagedState::landed is taken back first.
  Result<std::unique_ptr<Channel>> open(const StagedDisk& disk, Use use, const Call& call) const;
  // Ends what a lower epoch has open, and says what is there. Errc::denied: a higher epoch has it.
  Result<StagedImage> seal(const StagedDisk& disk, const Call& call) const;

  // Gone is success. REQUIRES: nobody has one of its disks open.
  Status remove(const Owner& owner) const;
  // Where disks are staged; nothing: it cannot be seen.
  std::optional<std::uint64_t> free_bytes(const Call& call) const;
  // Held while something is sent, so that the room it takes on the way is that of one image. Makes
  // the folder.
  Result<std::filesystem::path> gate() const;

 private:
  std::filesystem::path folder(const Owner& owner) const;
  std::filesystem::path image(const StagedDisk& disk) const;
  std::filesystem::path record(const StagedDisk& disk) const;
  Status make(const StagedDisk& disk, StagedState& state, const Call& call) const;

  const std::filesystem::path state_;
};

// Reads a file of `bytes` bytes from its beginning; one that has another size is Errc::unavailable.
Status read_whole(const std::filesystem::path& path, std::uint64_t bytes,
                  const std::function<Status(std::span<const std::byte>)>& take, const Call& call);
// The SHA-256 of such a file, hexadecimal.
Result<std::string> sha256_of(const StagedImage& image, const Call& call);

}  // namespace flyt
