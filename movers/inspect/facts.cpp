#include "movers/inspect/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>
#include <sstream>
#include <utility>

#include "base/units.hpp"
#include "base/windows_version.hpp"
#include "movers/inspect/concerns.hpp"

namespace flyt::inspection {
namespace {

struct Room {
  std::string_view mounted;
  std::uint64_t least;
};
// What virt-v2v asks for.
constexpr std::array rooms{Room{"/", 100 * mib}, Room{"/boot", 50 * mib}};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The first group of every match at the beginning of a line.
std::vector<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (const std::string& line : lines_of(text)) {
    // std::regex goes as deep as a line is long.
    if (std::smatch match; line.size() < 1000 && std::regex_search(line, match, expression)) {
      found.push_back(match[1]);
    }
  }
  return found;
}

// "6.1"; what is no version, or 0.0, which libguestfs says where it knows none, is not before any.
bool is_before(std::string_view version, WindowsVersion other) {
  WindowsVersion own;
  const char* end = version.data() + version.size();
  const auto major = std::from_chars(version.data(), end, own.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return false;
  if (std::from_chars(major.ptr + 1, end, own.minor).ec != std::errc()) return false;
  return own.major != 0 && own < other;
}

std::vector<std::string> unless(bool not_so, std::vector<std::string> names) {
  return not_so ? std::vector<std::string>() : std::move(names);
}

class Judge {
 public:
  Judge(const Facts& facts, std::string_view machine, bool uefi)
      : facts_(facts), machine_(machine), uefi_(uefi) {}

  std::vector<Concern> concerns() {
    encrypted("BitLocker", "I-BITLOCKER");
    if (facts_.cloud_init) say("I-CLOUD-INIT", "cloud-init is installed");
    const auto devices = unstable_devices(facts_.fstab);
    if (!devices.empty()) {
      say("I-FSTAB", fmt::format("/etc/fstab mounts {}", fmt::join(devices, ", ")),
          "write UUID=... in their place: blkid tells them");
    }
    encrypted("crypto_LUKS", "I-LUKS");
    interfaces();
    if (uefi_ && facts_.fallback_loader == false) {
      say("I-NO-FALLBACK", "EFI/BOOT/BOOTX64.EFI was not found",
          "copy the boot loader to that place");
    }
    if (facts_.type.empty()) say("I-NO-SYSTEM", "no operating system was found");
    virtio();
    if (facts_.windows) windows(*facts_.windows);
    for (const FileSystem& one : facts_.file_systems) space(one);
    system();
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Concern& a, const Concern& b) { return a.code < b.code; });
    return std::move(found_);
  }

 private:
  void say(std::string_view code, std::string text, std::string remedy = {}) {
    found_.push_back(inside_concern(code, machine_, std::move(text), std::move(remedy)));
  }

  void encrypted(std::string_view type, std::string_view code) {
    for (const FileSystem& one : facts_.file_systems) {
      if (one.type != type) continue;
      say(code, fmt::format("{} is encrypted ({})", one.device, one.type),
          "have the key at hand when the machine is started");
    }
  }

  void interfaces() {
    for (const ConfigFile& file : facts_.network) {
      for (const std::string& name : named_interfaces(file)) {
        say("I-NIC-NAME", fmt::format("{} has a fixed address in {}", name, file.path),
            fmt::format("match it by its MAC address instead of the name {}", name));
      }
    }
  }

  void virtio() {
    const auto has = [](const Kernel& one) { return one.has_virtio; };
    if (facts_.kernels.empty() || std::any_of(facts_.kernels.begin(), facts_.kernels.end(), has)) {
      return;
    }
    say("I-NO-VIRTIO", fmt::format("kernel {} has no virtio_blk", facts_.kernels.front().version),
        "install a kernel that has it, or set convert = \"none\"");
  }

  void windows(const Windows& windows) {
    if (windows.universal_clock) {
      say("I-CLOCK", "RealTimeIsUniversal is set: Windows takes the hardware's clock for UTC",
          "plan it with flyt plan --deep, which gives its copy a clock in UTC");
    }
    if (!windows.policies.empty()) {
      say("I-DRIVER-POLICY", fmt::format("a policy sets {}", fmt::join(windows.policies, ", ")),
          "lift \"Device Installation Restrictions\" before the move");
    }
    if (windows.dynamic_disk) {
      say("I-DYNAMIC-DISK", "Windows lies on a dynamic disk", "set convert = \"none\"");
    }
    if (windows.hibernated) {
      say("I-HIBERNATED", "Windows is hibernated, or was shut down with fast startup",
          "start it, then: powercfg /h off, shutdown /s /f /t 0");
    } else if (windows.unclean) {
      say("I-UNCLEAN", "Windows was not shut down", "start it, then: shutdown /s /f /t 0");
    }
    if (is_before(facts_.version, oldest_with_virtio)) {
      say("I-OLD-WINDOWS", fmt::format("no virtio drivers are made for {} any more", name()),
          "try a copy before the move, or set convert = \"none\"");
    }
    if (!windows.restart_signs.empty()) {
      say("I-REBOOT-PENDING",
          fmt::format("Windows waits for a restart ({})", fmt::join(windows.restart_signs, ", ")),
          "restart it before the move, until nothing is left to do, then shut it down");
    }
  }

  std::string place(const FileSystem& one) const {
    return facts_.windows && one.mounted == "/" ? "the volume of Windows" : one.mounted;
  }

  std::string name() const {
    if (!facts_.windows || facts_.windows->product.empty()) {
      return fmt::format("{} {}", facts_.distro, facts_.version);
    }
    const Windows& windows = *facts_.windows;
    const auto with = [](std::string_view before, const std::string& word, std::string_view after) {
      return word.empty() ? word : fmt::format("{}{}{}", before, word, after);
    };
    return fmt::format("{}{} {}{}", windows.product, with(" (", windows.variant, ")"),
                       facts_.version, with(" build ", windows.build, ""));
  }

  void space(const FileSystem& one) {
    for (const Room& room : rooms) {
      if (one.mounted != room.mounted || !one.free_bytes || *one.free_bytes >= room.least) continue;
      say("I-SPACE", fmt::format("{} has {} free", place(one), format_size(*one.free_bytes)),
          fmt::format("make {} of room there", format_size(room.least)));
    }
  }

  void system() {
    if (facts_.type.empty()) return;
    std::string text = name();
    for (const FileSystem& one : facts_.file_systems) {
      if (one.mounted.empty() || !one.size_bytes || !one.free_bytes) continue;
      text += fmt::format("; {} {} {}, {} free", place(one), one.type, format_size(*one.size_bytes),
                          format_size(*one.free_bytes));
    }
    std::size_t ready = 0;
    for (const Kernel& one : facts_.kernels) ready += one.early_virtio.value_or(false) ? 1U : 0U;
    if (ready != 0) text += "; virtio is in the initramfs";
    if (facts_.windows && !facts_.windows->boot_drivers.empty()) {
      text += fmt::format("; it starts with {}", fmt::join(facts_.windows->boot_drivers, ", "));
    }
    say("I-SYSTEM", text);
  }

  const Facts& facts_;
  const std::string machine_;
  const bool uefi_;
  std::vector<Concern> found_;
};

}  // namespace

std::vector<Concern> judge(const Facts& facts, std::string_view machine, bool uefi) {
  return Judge(facts, machine, uefi).concerns();
}

std::vector<std::string> named_interfaces(const ConfigFile& file) {
  const std::string& text = file.text;
  const std::string_view path = file.path;
  if (path.starts_with("/etc/network/")) {
    return matches(text, "^\\s*iface\\s+(\\S+)\\s+inet6?\\s+static\\b");
  }
  if (path.starts_with("/etc/netplan/")) {
    return unless(holds(text, "macaddress:") || !holds(text, "addresses:"),
                  matches(text, "^\\s+((?:en[a-z]*|eth)[0-9][a-z0-9]*):\\s*$"));
  }
  if (path.starts_with("/etc/sysconfig/")) {
    return unless(!holds(text, "IPADDR") || holds(text, "HWADDR"),
                  matches(text, "^\\s*DEVICE=\"?([^\"\\s]+)"));
  }
  if (path.starts_with("/etc/NetworkManager/")) {
    return unless(!holds(text, "method=manual") || holds(text, "mac-address="),
                  matches(text, "^\\s*interface-name=(\\S+)"));
  }
  return unless(!holds(text, "Address=") || holds(text, "MACAddress="),
                matches(text, "^\\s*Name=(\\S+)"));
}

std::vector<std::string> unstable_devices(std::string_view fstab) {
  static const std::regex moving("/dev/((sd|hd|vd|xvd)[a-z]+[0-9]*|nvme.*|disk/by-(path|id)/.*)");
  std::vector<std::string> found;
  for (const std::string& line : lines_of(fstab)) {
    const auto words = words_of(line);
    if (words.size() < 3 || words[0].size() > 200 || words[0].starts_with('#')) continue;
    if (std::regex_match(words[0], moving)) found.push_back(words[0]);
  }
  return found;
}

void take_space(std::string_view statvfs, FileSystem& file_system) {
  std::optional<std::uint64_t> unit, blocks, free;
  for (const std::string& line : lines_of(statvfs)) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::uint64_t value = 0;
    const char* end = line.data() + line.size();
    if (std::from_chars(line.data() + colon + 2, end, value).ptr != end) continue;
    const std::string_view name = std::string_view(line).substr(0, colon);
    if (name == "frsize") unit = value;
    if (name == "blocks") blocks = value;
    if (name == "bavail") free = value;
  }
  if (!unit || !blocks || !free) return;
  file_system.size_bytes = *unit * *blocks;
  file_system.free_bytes = *unit * *free;
}

}  // namespace flyt::inspection
