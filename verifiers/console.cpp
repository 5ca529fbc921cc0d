#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/units.hpp"
#include "verifiers/verifier.hpp"

namespace flyt {

// getty's prompt: no distribution's console ends its boot without it where a getty runs there.
constexpr std::string_view default_boot_marker = "login:";

namespace {

// What a console shows of a boot that went no further. From Linux, initramfs-tools, dracut,
// systemd, GRUB, SeaBIOS and OVMF.
constexpr std::array<std::string_view, 13> troubles = {
    "Kernel panic",
    "ALERT!",
    "emergency mode",
    "Emergency mode",
    "Give root password for maintenance",
    "dracut-initqueue timeout",
    "Dropping to a shell",
    "Entering emergency",
    "grub rescue>",
    "No bootable device",
    "Boot failed: not a bootable",
    "error: no such device",
    "BdsDxe: failed to load Boot",
};

constexpr std::size_t kept_bytes = 4 * kib;  // more than any trouble and the line around it

// The line around `position`, printable and not endless.
std::string line_at(std::string_view text, std::size_t position) {
  const std::size_t before = text.rfind('\n', position);
  const std::size_t from = before == std::string_view::npos ? 0 : before + 1;
  std::string line;
  for (const char c : text.substr(from, text.find('\n', position) - from)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) line += c;
  }
  constexpr std::size_t longest = 200;
  if (line.size() > longest) {
    line.resize(longest);
    line.append(" ...");
  }
  return line;
}

// Where the last of the troubles begins.
std::size_t last_trouble(std::string_view text) {
  std::size_t last = std::string_view::npos;
  for (const std::string_view trouble : troubles) {
    const std::size_t at = text.rfind(trouble);
    if (at != std::string_view::npos && (last == std::string_view::npos || at > last)) last = at;
  }
  return last;
}

}  // namespace

ConsoleReader::ConsoleReader(std::string marker)
    : marker_(marker.empty() ? std::string(default_boot_marker) : std::move(marker)) {}

void ConsoleReader::add(const ConsoleText& piece) {
  if (piece.anew) *this = ConsoleReader(std::move(marker_));
  signs_.known = piece.known;
  signs_.unheard = piece.unheard;
  signs_.gap = piece.gap;
  kept_ += piece.text;
  if (const auto at = kept_.rfind(marker_); at != std::string::npos) {
    marker_at_ = before_ + at + 1;
    signs_.marker_seen = true;
  }
  // Once more for one that was there already: its line may have gone on.
  if (const auto at = last_trouble(kept_); at != std::string::npos) {
    trouble_at_ = before_ + at + 1;
    signs_.trouble = line_at(kept_, at);
  }
  if (marker_at_ > trouble_at_) signs_.trouble.clear();
  const std::size_t keep = std::max(kept_bytes, marker_.size());
  if (kept_.size() <= keep) return;
  before_ += kept_.size() - keep;
  kept_.erase(0, kept_.size() - keep);
}

}  // namespace flyt
