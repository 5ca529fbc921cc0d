// nbdkit plugin for tests: stands in for nbdkit-vddk-plugin, which needs VMware's library. It takes
// the same parameters, refuses the same ones, starts itself again once as that does, logs in at the
// lab for each connection, and serves a disk of the lab as its control interface tells it.
//
// Environment: FLYT_TEST_CONTROL, the control interface; FLYT_TEST_VDDK_LOG, a file that gets a
// line for each read; FLYT_TEST_VDDK_DIES, the number of bytes after which the process ends, as a
// crash of the library would end it; FLYT_TEST_VDDK_HOLDS, a file: as long as it is there, reads
// wait once 4 MiB were served.
//
// "VDDK" is a folder with a file lib64/libvixDiskLib.so.N, which is looked for and not loaded.
#define NBDKIT_API_VERSION 2
#include <fmt/format.h>
#include <nbdkit-plugin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/vsphere/session.hpp"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_SERIALIZE_REQUESTS

namespace {

using namespace flyt;
namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t sector = 512, chunk = 128 * sector;  // VIXDISKLIB_MIN_CHUNK_SIZE
constexpr std::uint64_t most_at_once = std::uint64_t{1} << 20, held_at = 4 * most_at_once;
// All that nbdkit-vddk-plugin(1) names, and what it hands to itself.
constexpr std::array parameters{
    "compression", "config",     "cookie", "file",        "libdir",   "nfchostport",
    "password",    "port",       "server", "single-link", "snapshot", "thumbprint",
    "transports",  "unbuffered", "user",   "vm",          "reexeced_"};

std::map<std::string, std::string, std::less<>> given;
std::uint64_t served = 0;
std::mutex served_mutex;

std::string value_of(std::string_view name) {
  const auto found = given.find(name);
  return found == given.end() ? std::string() : found->second;
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int fail(const std::string& text) {
  nbdkit_error("%s", text.c_str());
  nbdkit_set_error(EIO);
  return -1;
}

int config(const char* key, const char* value) {
  if (std::find(parameters.begin(), parameters.end(), std::string_view(key)) == parameters.end()) {
    return fail(fmt::format("unknown parameter '{}'", key));
  }
  std::string text = value;
  if (key == std::string_view("password")) {
    char* read = nullptr;
    if (nbdkit_read_password(value, &read) == -1) return -1;
    text = read;
    std::free(read);  // NOLINT(cppcoreguidelines-no-malloc): nbdkit made it
  }
  if (key == std::string_view("libdir")) {
    std::error_code failed;
    text = fs::canonical(text, failed);
    if (failed) return fail(fmt::format("realpath: {}: {}", value, failed.message()));
  }
  given[key] = text;
  return 0;
}

int config_complete() {
  if (value_of("file").empty()) {
    return fail("you must supply the file=<FILENAME> parameter after the plugin name");
  }
  for (const char* needed : {"server", "user", "password", "vm", "thumbprint"}) {
    if (value_of(needed).empty()) {
      return fail(fmt::format("remote connection requested, missing parameter: {}", needed));
    }
  }
  return 0;
}

// Empty: there is none.
std::string library(int& version) {
  for (version = 9; version >= 6; --version) {
    const fs::path path =
        fs::path(value_of("libdir")) / fmt::format("lib64/libvixDiskLib.so.{}", version);
    if (fs::exists(path)) return path.native();
  }
  return {};
}

// So that the library finds its own libraries, the true plugin starts nbdkit again with another
// LD_LIBRARY_PATH, and hands the password over in an open file.
void start_again(const std::string& path) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) {
    if (!word.starts_with("password=")) words.push_back(word);
  }
  const int password = memfd_create("password", 0);
  const std::string secret = value_of("password");
  if (::write(password, secret.data(), secret.size()) != static_cast<ssize_t>(secret.size()) ||
      ::lseek(password, 0, SEEK_SET) != 0) {
    return;
  }
  words.push_back(fmt::format("password=-{}", password));
  words.emplace_back("reexeced_=");
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::setenv("LD_LIBRARY_PATH", fs::path(path).parent_path().c_str(), 1);
  ::execv("/proc/self/exe", argv.data());
}

int get_ready() {
  int version = 0;
  const std::string path = library(version);
  if (path.empty()) {
    return fail(fmt::format("{}/lib64/libvixDiskLib.so.7: cannot open shared object file",
                            value_of("libdir")));
  }
  if (given.count("reexeced_") == 0) start_again(path);
  return 0;
}

void dump_plugin() {
  int version = 0;
  const std::string path = library(version);
  fmt::print("vddk_default_libdir=/usr/lib64/vmware-vix-disklib\nvddk_has_nfchostport=1\n");
  if (path.empty()) return;
  fmt::print("vddk_library_version={}\nvddk_dll={}\nVixDiskLib_Open=1\n", version, path);
  std::fflush(stdout);
}

struct Handle {
  std::unique_ptr<vsphere::Session> session;
  std::uint64_t size = 0;
  std::string machine, what;
  std::size_t disk = 0;
};

std::vector<std::unique_ptr<Handle>> handles;
std::mutex handles_mutex;

json control(const std::string& path) {
  Http http{HttpTrust{}};
  HttpRequest request;
  request.url = environment("FLYT_TEST_CONTROL") + path;
  const auto answer = http.request(request, {});
  if (!answer || answer->status != 200) return {};
  return json::parse(answer->body);
}

Status log_in(Handle& handle) {
  vsphere::ServerConfig server;
  server.url = fmt::format("https://{}:{}", value_of("server"),
                           value_of("port").empty() ? "443" : value_of("port"));
  server.user = value_of("user");
  server.password = [](const Call&) { return Result(Secret(value_of("password"))); };
  server.trust.sha1 = value_of("thumbprint");
  handle.session = std::make_unique<vsphere::Session>(std::move(server));
  FLYT_ASSIGN(const Secret cookie, handle.session->cookie({}));
  return ok();
}

// What VDDK does by itself: the machine by its reference, the disk by its file.
Status find_disk(Handle& handle) {
  const std::string vm = value_of("vm"), file = value_of("file"), snapshot = value_of("snapshot");
  const json state = control("/state").value("machines", json::object());
  for (const auto& [name, machine] : state.items()) {
    if (vm != "moref=" + machine.at("moref").get<std::string>()) continue;
    for (const json& disk : machine.at("disks")) {
      const auto chain = disk.at("chain").get<std::vector<std::string>>();
      const auto link = std::find_if(chain.begin(), chain.end(), [&file](const auto& one) {
        return file.ends_with("] " + one);
      });
      if (link == chain.end()) continue;
      const bool last = std::next(link) == chain.end();
      if (last && (machine.at("powerState") != "poweredOff" || !snapshot.empty())) {
        return Error{Errc::unavailable, "Failed to lock the file"};
      }
      handle.machine = name;
      handle.disk = disk.at("index");
      handle.size = disk.at("size");
      handle.what = snapshot.empty() ? "live" : snapshot;
      return ok();
    }
  }
  return Error{Errc::not_found, fmt::format("{} of {} was not found", file, vm)};
}

void* open_export(int read_only) {
  auto handle = std::make_unique<Handle>();
  if (read_only == 0 || value_of("transports") != "nbdssl") {
    fail("this library is only read from, by nbdssl");
    return nullptr;
  }
  if (const Status logged_in = log_in(*handle); !logged_in) {
    const Error& error = logged_in.error();
    fail(fmt::format("VixDiskLib_ConnectEx: {}: {}", error.what, error.seen));
    return nullptr;
  }
  if (const Status found = find_disk(*handle); !found) {
    fail(fmt::format("VixDiskLib_Open: {}: {}", value_of("file"), found.error().what));
    return nullptr;
  }
  const std::lock_guard lock(handles_mutex);
  return handles.emplace_back(std::move(handle)).get();
}

void close_export(void* handle) {
  const std::lock_guard lock(handles_mutex);
  std::erase_if(handles, [handle](const auto& one) { return one.get() == handle; });
}

// nbdkit that is told to end does not wait until connections are closed.
void unload() {
  const std::lock_guard lock(handles_mutex);
  handles.clear();
}

std::int64_t get_size(void* handle) {
  return static_cast<std::int64_t>(static_cast<Handle*>(handle)->size);
}

int yes(void*) { return 1; }

// Empty: the lab does not tell.
std::string bytes_of(const Handle& handle, std::uint64_t offset, std::uint64_t length) {
  const json told = control(fmt::format("/bytes?vm={}&disk={}&what={}&offset={}&length={}",
                                        handle.machine, handle.disk, handle.what, offset, length));
  const std::string hex = told.value("hex", "");
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes.size() == length ? bytes : "";
}

void note(std::uint64_t offset, std::uint32_t count) {
  const std::lock_guard lock(served_mutex);
  std::ofstream(environment("FLYT_TEST_VDDK_LOG"), std::ios::app)
      << fmt::format("{} {}\n", offset, count);
  served += count;
  const std::string most = environment("FLYT_TEST_VDDK_DIES");
  if (!most.empty() && served > std::stoull(most)) ::_exit(3);
  while (served > held_at && fs::exists(environment("FLYT_TEST_VDDK_HOLDS"))) ::usleep(20'000);
}

int pread(void* handle, void* buffer, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
  if (offset % sector != 0 || count % sector != 0) return fail("read is not aligned to sectors");
  note(offset, count);
  auto* out = static_cast<char*>(buffer);
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t part = std::min(most_at_once, count - done);
    const std::string bytes = bytes_of(*static_cast<Handle*>(handle), offset + done, part);
    if (bytes.empty()) return fail("VixDiskLib_Read: the lab does not tell");
    std::copy(bytes.begin(), bytes.end(), out + done);
    done += part;
  }
  return 0;
}

int extents(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t,
            nbdkit_extents* out) {
  const Handle& of = *static_cast<Handle*>(handle);
  const std::uint64_t from = offset / chunk * chunk;
  const std::uint64_t end = std::min({of.size, offset + count, from + most_at_once});
  const std::string bytes = bytes_of(of, from, end - from);
  if (bytes.empty()) return fail("VixDiskLib_QueryAllocatedBlocks: the lab does not tell");
  for (std::uint64_t at = from; at < end; at += chunk) {
    const std::uint64_t start = std::max(at, offset), length = std::min(at + chunk, end) - start;
    const std::string_view part = std::string_view(bytes).substr(start - from, length);
    const bool hole = part.find_first_not_of('\0') == std::string_view::npos;
    const std::uint32_t type = hole ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0U;
    if (nbdkit_add_extent(out, start, length, type) == -1) return -1;
  }
  return 0;
}

nbdkit_plugin described() noexcept {
  nbdkit_plugin plugin{};
  plugin.name = "vddk";
  plugin.longname = "stands in for VMware's VDDK in tests of flyt";
  plugin.unload = unload;
  plugin.config = config;
  plugin.config_complete = config_complete;
  plugin.get_ready = get_ready;
  plugin.dump_plugin = dump_plugin;
  plugin.open = open_export;
  plugin.close = close_export;
  plugin.get_size = get_size;
  plugin.can_extents = yes;
  plugin.pread = pread;
  plugin.extents = extents;
  return plugin;
}

nbdkit_plugin plugin = described();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
