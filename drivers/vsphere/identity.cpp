#include "drivers/vsphere/identity.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "base/identity.hpp"
#include "base/lower_case.hpp"
#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

// From here on VMware's tables say SMBIOS 2.7, where the first three fields are little-endian.
constexpr unsigned hardware_with_new_tables = 13;

template <typename Number>
std::optional<Number> number_from(std::string_view text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto [last, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || last != end) return {};
  return value;
}

// The first three fields of a uuid with their bytes in the other order.
std::string turned(std::string_view uuid) {
  std::string other(uuid);
  constexpr std::size_t starts[] = {0, 9, 14}, lengths[] = {8, 4, 4};
  for (std::size_t field = 0; field < 3; ++field) {
    for (std::size_t at = 0; at < lengths[field]; at += 2) {
      const std::size_t from = starts[field] + lengths[field] - 2 - at;
      other[starts[field] + at] = uuid[from];
      other[starts[field] + at + 1] = uuid[from + 1];
    }
  }
  return other;
}

bool is_unset(std::string_view uuid) {
  return uuid.find_first_not_of("0-") == std::string_view::npos ||
         uuid.find_first_not_of("f-") == std::string_view::npos;
}

}  // namespace

std::string guest_uuid(std::string_view config, std::string_view hardware, GuestFamily guest) {
  if (!is_uuid(config)) return {};
  const std::string uuid = lower_case(config);
  if (is_unset(uuid)) return {};
  // VMware puts the bytes into the table as they are written. Windows has always read the first
  // fields as little-endian; others only do where the table is of SMBIOS 2.6 or later.
  if (guest == GuestFamily::windows) return turned(uuid);
  if (!hardware.starts_with("vmx-")) return {};
  const auto version = number_from<unsigned>(hardware.substr(4));
  if (!version) return {};
  return *version >= hardware_with_new_tables ? turned(uuid) : uuid;
}

std::string extra_option(pugi::xml_node extra, std::string_view key) {
  for (const pugi::xml_node option : extra.children()) {
    if (xml_child_text(option, "key") == key) return xml_child_text(option, "value");
  }
  return {};
}

std::string generation_id(pugi::xml_node extra) {
  const auto low = number_from<std::int64_t>(extra_option(extra, "vm.genid"));
  const auto high = number_from<std::int64_t>(extra_option(extra, "vm.genidX"));
  if (!low || !high || (*low == 0 && *high == 0)) return {};
  // The guest reads two little-endian numbers, 16 bytes in all.
  const auto a = static_cast<std::uint64_t>(*low), b = static_cast<std::uint64_t>(*high);
  const auto byte = [](std::uint64_t number, unsigned at) { return number >> (8 * at) & 0xffU; };
  return fmt::format("{:08x}-{:04x}-{:04x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}",
                     a & 0xffffffffU, a >> 32U & 0xffffU, a >> 48U, byte(b, 0), byte(b, 1),
                     byte(b, 2), byte(b, 3), byte(b, 4), byte(b, 5), byte(b, 6), byte(b, 7));
}

}  // namespace flyt::vsphere
