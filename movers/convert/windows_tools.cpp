#include "movers/convert/windows_tools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <utility>

namespace flyt {
namespace {

namespace fs = std::filesystem;

const char* first_set(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return nullptr;
}

bool is_there(const fs::path& path) {
  std::error_code unreadable;
  return fs::exists(path, unreadable);
}

}  // namespace

WindowsTools windows_tools() {
  const fs::path shared = "/usr/share/virtio-win";
  const fs::path iso = shared / "virtio-win.iso";
  // An ISO image that is to be put where there is none is looked for before the folder.
  WindowsTools tools{is_there(iso) || !is_there(shared) ? iso : shared, "/usr/share/virt-tools"};
  if (const char* drivers = first_set({"VIRTIO_WIN", "VIRTIO_WIN_DIR"})) tools.drivers = drivers;
  if (const char* service = first_set({"VIRT_TOOLS_DATA_DIR"})) tools.service = service;
  return tools;
}

std::vector<Error> missing(const WindowsTools& tools) {
  std::vector<Error> all;
  if (!is_there(tools.drivers)) {
    all.push_back({.code = Errc::not_found,
                   .what = "the drivers that Windows needs are missing: virtio-win",
                   .seen = fmt::format("there is no {}", tools.drivers.native()),
                   .why = "Debian does not ship them",
                   .state = {},
                   .remedy = {fmt::format("get virtio-win.iso from https://fedorapeople.org/groups/"
                                          "virt/virtio-win/direct-downloads/stable-virtio/, and "
                                          "put it at {}",
                                          tools.drivers.native())}});
  }
  if (!is_there(tools.service / "rhsrvany.exe") && !is_there(tools.service / "pvvxsvc.exe")) {
    all.push_back(
        {.code = Errc::not_found,
         .what = "what starts a program at the first boot of Windows is missing: "
                 "rhsrvany.exe",
         .seen = fmt::format("there is no {}", (tools.service / "rhsrvany.exe").native()),
         .why = "Debian does not ship it",
         .state = {},
         .remedy = {fmt::format("take rhsrvany.exe and pnp_wait.exe out of Fedora's package "
                                "mingw-srvany-redistributable (https://src.fedoraproject.org/rpms/"
                                "mingw-srvany), and put them into {}",
                                tools.service.native())}});
  }
  return all;
}

Status check_windows_tools(const WindowsTools& tools) {
  std::vector<Error> lacks = missing(tools);
  if (lacks.empty()) return ok();
  lacks.front().state = "the copied disks are as they were";
  return std::move(lacks.front());
}

Status check_windows_drivers(const std::vector<std::string>& warnings, const WindowsTools& tools) {
  // virt-v2v's words are not translated where LC_ALL says so.
  const auto words = std::find_if(warnings.begin(), warnings.end(), [](const std::string& warning) {
    return warning.find("no virtio block device driver") != std::string::npos ||
           warning.find("no virtio drivers available") != std::string::npos;
  });
  if (words == warnings.end()) return ok();
  return Error{
      .code = Errc::unsupported,
      .what = "virtio-win has no driver for this version of Windows",
      .seen = *words,
      .why = "the drivers are older than the guest, or not for it",
      .state = "the copied disks are as they were: the conversion worked in an overlay",
      .remedy = {fmt::format("put a virtio-win.iso that is for it at {}", tools.drivers.native())}};
}

}  // namespace flyt
