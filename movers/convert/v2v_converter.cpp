#include <fmt/format.h>

#include <filesystem>
#include <mutex>

#include "base/nbd_server.hpp"
#include "base/process.hpp"
#include "base/units.hpp"
#include "movers/convert/domain_xml.hpp"
#include "movers/convert/overlay_map.hpp"
#include "movers/convert/room.hpp"
#include "movers/convert/v2v_log.hpp"
#include "movers/convert/windows_tools.hpp"
#include "movers/converter.hpp"

namespace flyt {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view v2v = "virt-v2v-in-place";

// virt-v2v starts servers and an appliance in its process group. When flyt dies, whatever the
// reason, the kernel sends SIGTERM to this shell alone, and it ends the whole group.
constexpr const char* guard = R"(
trap 'trap "" TERM; kill -TERM 0; sleep 3; kill -KILL 0' TERM INT HUP
"$@" &
wait $!
)";

// Clusters of 4 KiB keep the list of changes close to what changed; qcow2's L1 table (32 MiB at
// most) then reaches 8 TiB. Larger disks take QEMU's default of 64 KiB.
std::string_view cluster_size(std::uint64_t disk_bytes) {
  return disk_bytes <= 8 * tib ? "4k" : "64k";
}

// A new overlay per disk; what an earlier try left is removed. The size is stated: the overlay must
// be as long as the disk, to the sector. -F raw: never probe what a guest wrote.
Result<std::vector<fs::path>> make_overlays(const ConvertRequest& request, const Call& call) {
  std::vector<fs::path> overlays;
  for (std::size_t i = 0; i < request.bases.size(); ++i) {
    const fs::path path = fs::absolute(request.folder) / fmt::format("disk{}.qcow2", i);
    std::error_code ignored;  // a file that stays makes qemu-img fail, with the reason
    fs::remove(path, ignored);
    const ChannelInfo& base = request.bases[i]->info();
    FLYT_TRY(
        check({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-o",
                        fmt::format("cluster_size={}", cluster_size(base.size_bytes)), "-b",
                        base.uri, "-F", "raw", path.native(), fmt::format("{}", base.size_bytes)}},
              call));
    overlays.push_back(path);
  }
  return overlays;
}

std::vector<std::pair<std::string, std::string>> appliance_environment(bool kvm) {
  std::vector<std::pair<std::string, std::string>> environment = {{"LIBGUESTFS_BACKEND", "direct"},
                                                                  {"LC_ALL", "C.UTF-8"}};
  if (!kvm) environment.emplace_back("LIBGUESTFS_BACKEND_SETTINGS", "force_tcg");
  return environment;
}

Error conversion_failed(const Finished& finished, const V2vLog& log, const fs::path& file) {
  return {.code = Errc::unavailable,
          .what = fmt::format("{} could not convert the guest", v2v),
          .seen = log.errors.empty() ? finished.errors : log.errors.front(),
          .why = "the guest's system is one that it does not know, or its appliance did not start",
          .state = "the copied disks are as they were: the conversion worked in an overlay",
          .remedy = {fmt::format("less {}", file.native()),
                     "or set convert = \"none\" for this machine and prepare it by hand"}};
}

class V2vConverter : public Converter {
 public:
  Result<Conversion> convert(const ConvertRequest& request, const Call& call) override {
    const std::lock_guard one_appliance(mutex_);
    FLYT_TRY(proceed(call, "conversion"));
    FLYT_TRY(check_bases(request));
    const bool windows = request.source.guest.family == GuestFamily::windows;
    if (windows) FLYT_TRY(check_windows_tools(windows_tools()));
    FLYT_TRY(make_private_folder(request.folder));
    FLYT_TRY(check_room(request.folder));
    FLYT_ASSIGN(const auto overlays, make_overlays(request, call));
    const fs::path domain = request.folder / "domain.xml";
    FLYT_TRY(write_durably(domain, conversion_domain(request.source, overlays, request.kvm), 0600));

    Conversion done;
    done.log = request.folder / "virt-v2v.log";
    FLYT_ASSIGN(done.program, program_version(call));
    FLYT_ASSIGN(const V2vLog log, run_v2v(domain, request, done.log, call));
    if (windows) FLYT_TRY(check_windows_drivers(log.warnings, windows_tools()));
    done.warnings = log.warnings;
    for (const fs::path& overlay : overlays) {
      FLYT_ASSIGN(auto changed, map_overlay(overlay, call));
      done.disks.push_back({overlay, std::move(changed)});
    }
    // A commit that is repeated after a power cut reads them again.
    FLYT_TRY(sync_files(request.folder, overlays));
    return done;
  }

  Result<std::unique_ptr<Channel>> open_overlay(const ConvertedDisk& disk, Channel& base,
                                                const Call& call) override {
    if (!fs::exists(disk.overlay)) {
      return Error{.code = Errc::not_found,
                   .what = fmt::format("the overlay {} is gone", disk.overlay.native()),
                   .remedy = {"the conversion has to be done again from the synced copy"}};
    }
    // The overlay names the base's socket, which is another one in each process.
    FLYT_TRY(check_unlocked({"qemu-img", "rebase", "-u", "-f", "qcow2", "-b", base.info().uri, "-F",
                             "raw", disk.overlay.native()},
                            call));
    return open_nbd_channel({.server = {.argv = {"qemu-nbd", "--read-only", "--persistent",
                                                 "--shared=16", "--format=qcow2", "--socket",
                                                 std::string(nbd_socket), disk.overlay.native()},
                                        .what = "the converted disk"},
                             .info = {.size_bytes = base.info().size_bytes}},
                            call);
  }

 private:
  static Status check_bases(const ConvertRequest& request) {
    if (request.bases.empty()) {
      return Error{.code = Errc::invalid, .what = "a machine without disks cannot be converted"};
    }
    for (const Channel* base : request.bases) {
      if (base->info().uri.empty()) {
        return Error{.code = Errc::unsupported,
                     .what = "the target's disks can only be read as a sequence",
                     .why = "a conversion reads them in any order",
                     .remedy = {"set convert = \"none\" for this machine"}};
      }
    }
    return ok();
  }

  static Result<std::string> program_version(const Call& call) {
    FLYT_ASSIGN(const Finished version, check({.argv = {std::string(v2v), "--version"}}, call));
    // "virt-v2v-in-place 2.2.0": its first line.
    return version.output.substr(0, version.output.find('\n'));
  }

  static Result<V2vLog> run_v2v(const fs::path& domain, const ConvertRequest& request,
                                const fs::path& log_file, const Call& call) {
    V2vLog log;
    std::string text;
    const auto keep = [&](std::string_view line) { text.append(line).append("\n"); };
    const Command command = {.argv = {"sh", "-c", guard, "convert", std::string(v2v),
                                      "--machine-readable", "-i", "libvirtxml", domain.native()},
                             .environment = appliance_environment(request.kvm),
                             .on_output =
                                 [&](std::string_view line) {
                                   keep(line);
                                   const std::string_view phase = log.add(line);
                                   if (request.progress != nullptr && !phase.empty())
                                     request.progress->note(phase);
                                 },
                             .on_error = keep};
    const auto finished = run_with_room(command, request.folder, call);
    const Status logged = write_durably(log_file, text, 0600);
    if (!finished) return finished.error();
    FLYT_TRY(logged);
    if (finished->status != 0) return conversion_failed(*finished, log, log_file);
    return log;
  }

  std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Converter> make_v2v_converter() { return std::make_unique<V2vConverter>(); }

}  // namespace flyt
