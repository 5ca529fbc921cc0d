// What virt-v2v puts into a Windows guest and Debian does not ship.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace flyt {

// Where virt-v2v looks for it, as its manual says: under "ENVIRONMENT VARIABLES".
struct WindowsTools {
  std::filesystem::path drivers;  // virtio-win: an ISO image, or a folder with what is in it
  std::filesystem::path service;  // folder of rhsrvany.exe or pvvxsvc.exe
};
// By VIRTIO_WIN, VIRTIO_WIN_DIR and VIRT_TOOLS_DATA_DIR, else below /usr/share.
WindowsTools windows_tools();

// What of it is missing: Errc::not_found each, with where to get it and where to put it.
std::vector<Error> missing(const WindowsTools& tools);
// The first of these.
Status check_windows_tools(const WindowsTools& tools);

// Errc::unsupported when virt-v2v warned that it had no driver for the disks of this version of
// Windows: it goes on then with devices that the target does not have.
Status check_windows_drivers(const std::vector<std::string>& warnings, const WindowsTools& tools);

}  // namespace flyt
