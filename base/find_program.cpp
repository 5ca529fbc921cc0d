#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>

#include "base/process.hpp"
#include "base/spawn.hpp"

namespace flyt {
namespace {

std::string package_of(std::string_view program) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> packages = {
      {{"qemu-img", "qemu-utils"},
       {"qemu-nbd", "qemu-utils"},
       {"qemu-system-x86_64", "qemu-system-x86"},
       {"nbdkit", "nbdkit"},
       {"nbdinfo", "libnbd-bin"},
       {"nbdcopy", "libnbd-bin"},
       {"virt-v2v", "virt-v2v"},
       {"virt-v2v-in-place", "virt-v2v"},
       {"guestfish", "libguestfs-tools"},
       {"ssh", "openssh-client"},
       {"virsh", "libvirt-clients"},
       {"openssl", "openssl"}}};
  for (const auto& [name, package] : packages) {
    if (name == program) return std::string(package);
  }
  return {};
}

}  // namespace

Error not_installed(std::string_view program) {
  Error error{Errc::not_found, fmt::format("the program {} is not installed", program)};
  if (const std::string package = package_of(program); !package.empty()) {
    error.remedy = {fmt::format("sudo apt install {}", package)};
  }
  return error;
}

std::optional<std::filesystem::path> find_program(std::string_view program) {
  if (program.empty()) return std::nullopt;
  const auto can_run = [](const std::filesystem::path& path) {
    std::error_code failed;
    return std::filesystem::is_regular_file(path, failed) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string_view::npos) {
    const std::filesystem::path path(program);
    return can_run(path) ? std::optional(path) : std::nullopt;
  }
  const char* const set = std::getenv("PATH");
  std::string_view folders = set != nullptr ? set : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
    if (folder.empty()) continue;  // "here" is not a place to find programs in
    const std::filesystem::path path = std::filesystem::path(folder) / program;
    if (can_run(path)) return path;
  }
  return std::nullopt;
}

}  // namespace flyt
