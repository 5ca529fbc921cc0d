#include "drivers/vsphere/vddk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "base/nbd_server.hpp"
#include "base/passed_file.hpp"
#include "base/process.hpp"
#include "base/uri.hpp"

namespace flyt::vsphere {
namespace {

// Over the network and encrypted. Of the others `hotadd` hangs the disk into a machine, which
// changes the source, `san` needs its LUNs here, and `nbd` is readable on its way.
constexpr std::string_view transports = "nbdssl";

// What nbdkit-vddk-plugin(1) names under DUMP-PLUGIN OUTPUT.
constexpr std::string_view version_key = "vddk_library_version=", library_key = "vddk_dll=";

// The value of the line that begins with `key`; empty: there is none.
std::string value_after(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return std::string(line.substr(key.size()));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

Error no_library(const std::string& libdir, std::string_view what) {
  return {
      Errc::not_found,
      fmt::format("vddk_libdir = \"{}\": {}", libdir, what),
      {},
      {},
      {},
      {"unpack Broadcom's VMware-vix-disklib-*.tar.gz (docs/drivers/vsphere.md says where it is)",
       "vddk_libdir names the folder in it that has lib64/libvixDiskLib.so.*"}};
}

Error no_plugin(const VddkSetup& setup, std::string seen) {
  return {Errc::unsupported,
          fmt::format("{} has no plugin vddk that works", setup.nbdkit),
          std::move(seen),
          {},
          {},
          {"install the plugin: package nbdkit-plugin-vddk of Debian 13 (contrib) or Ubuntu 26.04,",
           "nbdkit-vddk-plugin of Fedora; or name an nbdkit that has it:",
           "nbdkit = \"/opt/nbdkit/sbin/nbdkit\""}};
}

// AB:CD:..., as VDDK wants it.
std::string with_colons(std::string_view hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i != 0 && i % 2 == 0) text += ':';
    text += hex[i] >= 'a' ? static_cast<char>(hex[i] - 'a' + 'A') : hex[i];
  }
  return text;
}

// On a connection of its own, since it is told only when one is made.
Result<std::string> thumbprint_of(const ServerConfig& server, const Call& call) {
  Http http(server.trust);
  HttpRequest request;
  request.url = server.url + "/";
  FLYT_ASSIGN(const HttpResponse page, http.request(request, call));
  if (page.certificate_sha1.empty()) {
    return Error{Errc::internal, fmt::format("{} has shown no certificate", server.url)};
  }
  return with_colons(page.certificate_sha1);
}

Result<std::vector<std::string>> arguments(const ServerConfig& server, const VddkSetup& setup,
                                           const VddkSpec& spec, const std::string& password,
                                           const Call& call) {
  FLYT_ASSIGN(const Uri url, Uri::parse(server.url));
  FLYT_ASSIGN(const std::string thumbprint, thumbprint_of(server, call));
  std::vector<std::string> argv = {setup.nbdkit,
                                   "-f",
                                   "--exit-with-parent",  // also of a script that starts nbdkit
                                   "-r",
                                   "-U",
                                   std::string(nbd_socket),
                                   "vddk",
                                   "libdir=" + setup.libdir,
                                   "server=" + url.host,
                                   "user=" + server.user,
                                   "password=+" + password,
                                   "thumbprint=" + thumbprint,
                                   "vm=moref=" + spec.disk.machine.value,
                                   fmt::format("transports={}", transports),
                                   "file=" + spec.file};
  if (url.port) argv.push_back(fmt::format("port={}", *url.port));
  if (!spec.disk.snapshot.empty()) argv.push_back("snapshot=" + spec.disk.snapshot.value);
  return argv;
}

struct Meaning {
  std::string_view words;  // of VDDK, in nbdkit's errors
  Errc code;
  std::string_view why, remedy;
};

// Seen by others: kubevirt/containerized-data-importer PR 3385, nbdkit-vddk-plugin(1), virt-v2v's
// notes on NFC limits, vexxhost/migratekit issue 14, velero-plugin-for-vsphere issue 118.
constexpr std::array meanings{
    Meaning{"Failed to allocate the requested", Errc::unavailable,
            "the host has no memory left for more transfers",
            "move fewer machines of this host at once"},
    Meaning{"Failed to lock the file", Errc::unavailable, "another program has the disk open",
            "try again when a backup or another transfer has ended"},
    Meaning{"do not have access rights to this file", Errc::denied,
            "the role lacks a privilege, or another program has the disk open",
            "flyt check names what the role lacks"},
    Meaning{"vmware-authd socket", Errc::unavailable, "the host does not answer at port 902",
            "let this machine reach TCP port 902 of the ESXi hosts, by the names that vCenter has"},
    Meaning{"Failed to connect to server", Errc::unavailable,
            "the host does not answer at port 902",
            "let this machine reach TCP port 902 of the ESXi hosts, by the names that vCenter has"},
};

Error explained(Error error) {
  for (const Meaning& one : meanings) {
    if (error.seen.find(one.words) == std::string::npos) continue;
    error.code = one.code;
    error.why = one.why;
    error.remedy = {std::string(one.remedy)};
    break;
  }
  error.state = "the source was only read";
  return error;
}

}  // namespace

Result<std::unique_ptr<Channel>> open_vddk(Session& session, const VddkSetup& setup,
                                           const VddkSpec& spec, const Call& call) {
  FLYT_ASSIGN(const Secret secret, session.config().password(call));
  FLYT_ASSIGN(const PassedFile password, PassedFile::make(secret.reveal()));
  NbdChannelSpec channel;
  FLYT_ASSIGN(channel.server.argv, arguments(session.config(), setup, spec, password.path(), call));
  channel.server.what = spec.what;
  channel.info.size_bytes = spec.disk.size_bytes;
  channel.changed = changes_since(session, spec.disk, spec.since);
  auto opened = open_nbd_channel(std::move(channel), call);
  if (opened) return opened;
  FLYT_TRY(proceed(call, spec.what));
  // What is missing here says more than what nbdkit printed.
  FLYT_TRY(within(spec.what, look_at_vddk(setup, call)));
  return explained(std::move(opened).error());
}

Result<std::string> look_at_vddk(const VddkSetup& setup, const Call& call) {
  std::error_code failed;
  if (!std::filesystem::is_directory(setup.libdir, failed)) {
    return no_library(setup.libdir, "there is no such folder");
  }
  auto done = run({{setup.nbdkit, "vddk", "--dump-plugin", "libdir=" + setup.libdir}}, call);
  if (!done && done.error().code == Errc::not_found) return no_plugin(setup, done.error().what);
  if (!done) return std::move(done).error();
  if (done->status != 0) {
    return no_plugin(setup, done->errors.substr(0, done->errors.find('\n')));
  }
  const std::string version = value_after(done->output, version_key);
  if (version.empty()) return no_library(setup.libdir, "nbdkit finds no VDDK there");
  const std::string library = value_after(done->output, library_key);
  return fmt::format("VDDK {} ({})", version, library.empty() ? setup.libdir : library);
}

}  // namespace flyt::vsphere
