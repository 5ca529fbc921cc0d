#include "drivers/vsphere/ranges_channel.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/nbd_server.hpp"
#include "base/passed_file.hpp"

namespace flyt::vsphere {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view plugin_name = "nbdkit-flyt-ranges-plugin.so";

// Beside the program, as it is built, or where it is installed.
Result<std::string> find_plugin() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const fs::path folder = program.parent_path();
  for (const fs::path& place : {folder / plugin_name, folder / "../lib/flyt" / plugin_name}) {
    if (!failed && fs::exists(place, failed)) return place.lexically_normal().native();
  }
  return Error{Errc::unsupported,
               fmt::format("flyt's nbdkit plugin {} is missing", plugin_name),
               fmt::format("looked beside {} and in ../lib/flyt", program.native()),
               {},
               {},
               {"install flyt as a whole: ./dev install"}};
}

std::vector<std::string> arguments(const Session& session, const RangesSpec& spec,
                                   const std::string& plugin, const std::string& password) {
  const ServerConfig& server = session.config();
  std::vector<std::string> argv = {"nbdkit",
                                   "-f",
                                   "-r",
                                   "-U",
                                   std::string(nbd_socket),
                                   plugin,
                                   "url=" + server.url,
                                   "user=" + server.user,
                                   "password=+" + password,
                                   "datastore=" + spec.file.datastore,
                                   "path=" + spec.file.path,
                                   fmt::format("size={}", spec.disk.size_bytes)};
  if (!spec.file.datacentre.empty()) argv.push_back("datacenter=" + spec.file.datacentre);
  if (!server.trust.ca.empty()) argv.push_back("ca=" + server.trust.ca.native());
  if (!server.trust.fingerprint.empty()) {
    argv.push_back("fingerprint=" + server.trust.fingerprint);
  }
  if (spec.connections != 0) argv.push_back(fmt::format("connections={}", spec.connections));
  return argv;
}

}  // namespace

Result<std::unique_ptr<Channel>> open_ranges(Session& session, const RangesSpec& spec,
                                             const Call& call) {
  FLYT_ASSIGN(const std::string plugin, find_plugin());
  FLYT_ASSIGN(const Secret secret, session.config().password(call));
  FLYT_ASSIGN(const PassedFile password, PassedFile::make(secret.reveal()));
  NbdChannelSpec channel;
  channel.server.argv = arguments(session, spec, plugin, password.path());
  channel.server.what = spec.what;
  channel.info.size_bytes = spec.disk.size_bytes;
  std::optional<PassedFile> map;
  if (spec.mapped) {
    auto allocation = allocation_of(session, spec.disk, call);
    // Without a map all is read.
    if (!allocation && allocation.error().code != Errc::unsupported) return allocation.error();
    if (allocation) {
      FLYT_ASSIGN(map, PassedFile::make(allocation->text()));
      channel.server.argv.push_back("map=" + map->path());
    }
  }
  channel.changed = changes_since(session, spec.disk, spec.since);
  return open_nbd_channel(std::move(channel), call);
}

}  // namespace flyt::vsphere
