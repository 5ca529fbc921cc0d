// nbdkit plugin: a file on a vSphere datastore as a read-only NBD export, by HTTPS ranges. For flyt
// and any other NBD client:
//
//   nbdkit ./nbdkit-flyt-ranges-plugin.so url=https://vcenter.example/ user=USER password=+FILE
//          datacenter=DC datastore=DS path=web01/web01-flat.vmdk ca=FILE
//
// password= is what nbdkit_read_password() takes, but for the password itself, which everybody
// could see among the arguments.
#define NBDKIT_API_VERSION 2
#include <fmt/format.h>
#include <nbdkit-plugin.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/vsphere/allocation.hpp"
#include "drivers/vsphere/ranges.hpp"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

using namespace flyt;

constexpr unsigned default_connections = 8, most_connections = 64;

struct Settings {
  vsphere::ServerConfig server;
  vsphere::RangeFile file;
  std::uint64_t size = 0;  // 0: as the server says
  unsigned connections = default_connections;
  std::string map;  // file with what is allocated; empty: not known
};

// nbdkit has no place for state of a plugin but global variables.
Settings settings;
std::unique_ptr<vsphere::Session> session;
std::unique_ptr<vsphere::RangeReader> reader;
std::optional<vsphere::Allocation> allocation;
std::uint64_t disk_size = 0;

int errno_of(Errc code) {
  switch (code) {
    case Errc::denied:
      return EPERM;
    case Errc::not_found:
      return ENOENT;
    case Errc::unsupported:
      return EOPNOTSUPP;
    case Errc::cancelled:
      return ESHUTDOWN;
    default:
      return EIO;
  }
}

int fail(const Error& error) {
  nbdkit_error("%s%s%s%s%s", error.what.c_str(), error.seen.empty() ? "" : ": ", error.seen.c_str(),
               error.why.empty() ? "" : ": ", error.why.c_str());
  nbdkit_set_error(errno_of(error.code));
  return -1;
}

int set_password(const char* value) {
  if (value[0] != '+' && value[0] != '-') {
    nbdkit_error("password=: name a file (+FILE) or a descriptor (-FD)");
    return -1;
  }
  char* text = nullptr;
  if (nbdkit_read_password(value, &text) == -1) return -1;
  settings.server.password = [secret = Secret(text)](const Call&) { return Result(secret); };
  std::fill(text, text + std::char_traits<char>::length(text), '\0');
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): nbdkit made it
  return 0;
}

int config(const char* key, const char* value) {
  const std::string_view name = key;
  if (name == "url") {
    std::string url = value;
    while (url.ends_with('/')) url.pop_back();
    settings.server.url = std::move(url);
  } else if (name == "user") {
    settings.server.user = value;
  } else if (name == "password") {
    return set_password(value);
  } else if (name == "ca") {
    settings.server.trust.ca = value;
  } else if (name == "fingerprint") {
    settings.server.trust.fingerprint = value;
  } else if (name == "datacenter") {
    settings.file.datacentre = value;
  } else if (name == "datastore") {
    settings.file.datastore = value;
  } else if (name == "path") {
    settings.file.path = value;
  } else if (name == "map") {
    settings.map = value;
  } else if (name == "size") {
    const std::int64_t size = nbdkit_parse_size(value);
    if (size < 0) return -1;
    settings.size = static_cast<std::uint64_t>(size);
  } else if (name == "connections") {
    return nbdkit_parse_unsigned("connections", value, &settings.connections);
  } else {
    nbdkit_error("there is no parameter %s", key);
    return -1;
  }
  return 0;
}

int config_complete() {
  const bool all = !settings.server.url.empty() && !settings.server.user.empty() &&
                   settings.server.password != nullptr && !settings.file.datastore.empty() &&
                   !settings.file.path.empty();
  if (!all) {
    nbdkit_error("url=, user=, password=, datastore= and path= are needed");
    return -1;
  }
  if (settings.connections < 1 || settings.connections > most_connections) {
    nbdkit_error("connections= is a number from 1 to %u", most_connections);
    return -1;
  }
  return 0;
}

int read_map() {
  auto read = vsphere::read_allocation(settings.map, disk_size);
  if (!read) return fail(read.error());
  allocation = *std::move(read);
  return 0;
}

int look_at_file() {
  session = std::make_unique<vsphere::Session>(settings.server);
  reader = std::make_unique<vsphere::RangeReader>(*session, settings.file, settings.connections);
  const auto size = reader->size({});
  if (!size) return fail(size.error());
  if (settings.size > *size) {
    return fail({Errc::corrupt, fmt::format("{} is shorter than the disk", reader->name()),
                 fmt::format("{} of {} bytes", *size, settings.size)});
  }
  disk_size = settings.size != 0 ? settings.size : *size;
  return settings.map.empty() ? 0 : read_map();
}

void unload() {
  reader.reset();
  session.reset();  // logs out
}

// In the process that serves: libcurl's threads do not survive a fork.
int after_fork() {
  const int looked = look_at_file();
  // nbdkit ends then without a call of unload.
  if (looked != 0) unload();
  return looked;
}

void* open_export(int) { return NBDKIT_HANDLE_NOT_NEEDED; }

std::int64_t get_size(void*) { return static_cast<std::int64_t>(disk_size); }

int yes(void*) { return 1; }

int can_extents(void*) { return allocation ? 1 : 0; }

int pread(void*, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  const Status done = reader->read(offset, {static_cast<std::byte*>(buffer), count}, {});
  return done ? 0 : fail(done.error());
}

int extents(void*, std::uint32_t count, std::uint64_t offset, std::uint32_t, nbdkit_extents* out) {
  for (std::uint64_t at = offset; at < offset + count;) {
    const vsphere::Allocation::Run run = allocation->at(at);
    const std::uint32_t type = run.allocated ? 0 : NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO;
    if (nbdkit_add_extent(out, at, run.end - at, type) == -1) return -1;
    at = run.end;
  }
  return 0;
}

nbdkit_plugin described() noexcept {
  nbdkit_plugin plugin{};
  plugin.name = "flyt-ranges";
  plugin.longname = "flyt: file on a vSphere datastore";
  plugin.description = "reads a file on a vSphere datastore in ranges over HTTPS";
  plugin.unload = unload;
  plugin.config = config;
  plugin.config_complete = config_complete;
  plugin.config_help =
      "url=URL        https://HOST/ of a vCenter or an ESXi host (required)\n"
      "user=NAME      who logs in (required)\n"
      "password=+FILE or -FD (required)\n"
      "ca=FILE        authority that signed the certificate; fingerprint=SHA-256 instead of it\n"
      "datacenter=    datastore=    path=    of the file\n"
      "size=SIZE      of the disk, where the file is longer\n"
      "connections=N  requests at once, at most (default 8)\n"
      "map=FILE       what is allocated: a line \"OFFSET LENGTH\" each, ascending";
  plugin.after_fork = after_fork;
  plugin.open = open_export;
  plugin.get_size = get_size;
  plugin.can_multi_conn = yes;
  plugin.can_extents = can_extents;
  plugin.pread = pread;
  plugin.extents = extents;
  plugin.errno_is_preserved = 0;
  return plugin;
}

nbdkit_plugin plugin = described();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
