#include "drivers/memory/channels.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/nbd_server.hpp"
#include "base/units.hpp"
#include "drivers/memory/disk_file.hpp"
#include "drivers/memory/views.hpp"

namespace flyt::memory {
namespace {

// What can only be read as one sequence: an export, an upload, a tape.
class StreamChannel final : public Channel {
 public:
  StreamChannel(FileDescriptor file, std::uint64_t size) : file_(std::move(file)) {
    info_.size_bytes = size;
  }

  const ChannelInfo& info() const override { return info_; }

  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call) override {
    FLYT_TRY(proceed(call, "reading a disk as a stream"));
    if (buffer.size() < mib) return Error{Errc::invalid, "a stream needs a buffer of 1 MiB"};
    if (at_ >= info_.size_bytes) return std::optional<Extent>();
    FLYT_ASSIGN(const auto data, next_data(file_, at_, info_.size_bytes));
    const std::uint64_t start = data ? data->offset : info_.size_bytes;
    Extent extent{at_, start - at_, true};
    if (start == at_) {
      extent = {at_, std::min<std::uint64_t>(buffer.size(), data->length), false};
      FLYT_TRY(read_all(file_, buffer.first(static_cast<std::size_t>(extent.length)), at_));
    }
    at_ += extent.length;
    return std::optional<Extent>(extent);
  }

  Status close(const Call&) override { return ok(); }

 private:
  FileDescriptor file_;
  ChannelInfo info_;
  std::uint64_t at_ = 0;
};

Error denied(std::string what, std::string remedy) {
  Error error{Errc::denied, std::move(what)};
  if (!remedy.empty()) error.remedy.push_back(std::move(remedy));
  return error;
}

Status check_machine(const Machine& machine, const Disk& disk, const OpenSpec& spec) {
  if (!machine.unreadable.empty()) {
    return Error{Errc::denied, fmt::format("{} cannot be read", machine.name), machine.unreadable};
  }
  if (!disk.left_out.empty()) {
    return Error{Errc::unsupported, fmt::format("{}: {} cannot be read", machine.name, disk.id),
                 disk.left_out};
  }
  if (spec.use == Use::read) return ok();
  if (spec.owner.id.empty() || machine.migration_id != spec.owner.id) {
    return denied(fmt::format("{} was not made by this migration", machine.name), "");
  }
  if (!spec.view.empty()) return Error{Errc::invalid, "a view is never written"};
  if (disk.stream_only) {
    return Error{Errc::unsupported, fmt::format("{}: {} is a stream", machine.name, disk.id)};
  }
  return ok();
}

Result<std::filesystem::path> file_of(const WorldFolder& folder, LockedWorld& locked,
                                      const Machine& machine, const Disk& disk,
                                      const OpenSpec& spec) {
  if (spec.view.empty()) {
    if (machine.power == Power::off) return disk_file(folder, locked.world, machine, disk);
    return denied(fmt::format("{} is not off", machine.name), "make a view, or switch it off");
  }
  for (const HeldView& held : locked.world.inside[machine.id].views) {
    if (held.view.name == spec.view) return file_in(folder.view(machine.id, spec.view), disk.id);
  }
  return Error{Errc::not_found, fmt::format("{} has no view {}", machine.name, spec.view)};
}

// How a server that is there stands to somebody who comes.
Status make_way(const Server& there, const Owner& comes, bool may_share, const Call& call) {
  const std::string where = fmt::format("{}: {}", there.machine, there.disk);
  if (there.owner.id != comes.id) return denied(where + ": another migration has it open", "");
  if (there.owner.epoch > comes.epoch) {
    return denied(
        fmt::format("{}: a newer flyt process (epoch {}) has taken over", where, there.owner.epoch),
        "let the newer one go on");
  }
  if (there.owner.epoch < comes.epoch) return within(where, end_process(there.process, call));
  if (may_share) return ok();
  return Error{Errc::unavailable, where + " is still open"};
}

// Servers end with the process that started them; nobody has to cross them out.
void forget_ended(World& world) {
  const auto ended = [](const Server& one) { return !is_running(one.process); };
  auto& servers = world.servers;
  servers.erase(std::remove_if(servers.begin(), servers.end(), ended), servers.end());
}

Status admit(World& world, const OpenSpec& spec, const Call& call) {
  forget_ended(world);
  for (const Server& there : world.servers) {
    const bool writes = there.use == Use::write || spec.use == Use::write;
    if (there.machine != spec.machine || there.disk != spec.disk || !writes) continue;
    FLYT_TRY(make_way(there, spec.owner, there.use != spec.use, call));
  }
  forget_ended(world);
  return ok();
}

Status sync_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file || ::fdatasync(file.get()) != 0) {
    return system_error(fmt::format("syncing {}", path.native()), errno);
  }
  return ok();
}

NbdChannelSpec channel_spec(const Machine& machine, const Disk& disk, const OpenSpec& spec,
                            const std::filesystem::path& file) {
  const bool writes = spec.use == Use::write;
  NbdChannelSpec channel;
  channel.server.argv = {"nbdkit", "-f", "-U", std::string(nbd_socket)};
  if (!writes) channel.server.argv.emplace_back("-r");
  channel.server.argv.insert(channel.server.argv.end(), {"file", "file=" + file.native()});
  channel.server.what = fmt::format("{}: {}", machine.name, disk.id);
  channel.info.size_bytes = disk.size_bytes;
  channel.info.reads_zero = writes;
  channel.info.flushes = writes;
  if (writes) channel.released = [file] { return sync_file(file); };
  return channel;
}

Result<std::unique_ptr<Channel>> open_stream(const std::filesystem::path& file,
                                             std::uint64_t size) {
  FLYT_ASSIGN(FileDescriptor opened, open_disk_file(file));
  return std::unique_ptr<Channel>(std::make_unique<StreamChannel>(std::move(opened), size));
}

Error forgotten(const std::string& change_id) {
  return {Errc::unsupported, fmt::format("the change id {} is not known", change_id)};
}

}  // namespace

Status fence(LockedWorld& locked, const std::string& machine, const Owner& owner,
             const Call& call) {
  forget_ended(locked.world);
  for (const Server& there : locked.world.servers) {
    if (there.machine == machine) FLYT_TRY(make_way(there, owner, false, call));
  }
  forget_ended(locked.world);
  return ok();
}

Result<std::unique_ptr<Channel>> open_disk(const WorldFolder& folder, LockedWorld& locked,
                                           const OpenSpec& spec, const Call& call) {
  FLYT_ASSIGN(Machine * machine, find_machine(locked.world, spec.machine));
  FLYT_ASSIGN(const Disk* disk, find_disk(*machine, spec.disk));
  FLYT_TRY(check_machine(*machine, *disk, spec));
  FLYT_ASSIGN(const std::filesystem::path file, file_of(folder, locked, *machine, *disk, spec));
  if (disk->stream_only) return open_stream(file, disk->size_bytes);
  NbdChannelSpec channel = channel_spec(*machine, *disk, spec, file);
  if (!spec.since.empty()) {
    const auto before = file_in(folder.change(machine->id, spec.since), disk->id);
    const std::uint64_t size = disk->size_bytes;
    channel.changed = [before, file, size, since = spec.since](
                          std::uint64_t from, const Call& asked) -> Result<std::vector<Extent>> {
      // Tracking was switched off since.
      std::error_code failed;
      if (!std::filesystem::exists(before, failed)) return forgotten(since);
      return differences(before, file, size, from, asked);
    };
  }
  // A source is only read, by anybody; on a target it must be known who writes.
  if (!machine->migration_id.empty() && spec.view.empty()) {
    FLYT_TRY(admit(locked.world, spec, call));
    channel.started = [&](int pid) -> Status {
      FLYT_ASSIGN(ProcessMark process, mark_process(pid));
      locked.world.servers.push_back(
          {spec.machine, spec.disk, spec.use, spec.owner, std::move(process)});
      return locked.save();
    };
  }
  return open_nbd_channel(std::move(channel), call);
}

}  // namespace flyt::memory
