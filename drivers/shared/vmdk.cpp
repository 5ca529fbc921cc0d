#include "drivers/shared/vmdk.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <limits>
#include <utility>

#include "base/units.hpp"
#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/utf8.hpp"
#include "drivers/shared/vmdk_layout.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t largest_disk = 64 * tib, longest_descriptor = mib;
constexpr std::uint64_t most_grains = std::uint64_t{1} << 30;  // bounds what tables cost us
constexpr std::uint32_t flag_newlines = 1U << 0, flag_redundant = 1U << 1, flag_zeroes = 1U << 2,
                        flag_compressed = 1U << 16, flag_markers = 1U << 17;
constexpr std::uint32_t known_flags =
    flag_newlines | flag_redundant | flag_zeroes | flag_compressed | flag_markers;

Error corrupt(std::string_view text) {
  return {Errc::corrupt, fmt::format("the VMDK header is wrong: {}", text)};
}
Error unsupported(std::string_view text) {
  return {Errc::unsupported, fmt::format("this kind of VMDK is not supported: {}", text)};
}

// Sectors as bytes; too many for any disk: nothing.
std::optional<std::uint64_t> bytes_of(std::uint64_t sectors) {
  if (sectors > (largest_disk + largest_disk / 4) / vmdk_sector) return std::nullopt;
  return sectors * vmdk_sector;
}

Status check_kind(std::span<const std::byte> sector, std::uint32_t version, std::uint32_t flags) {
  if (version < 1 || version > 3) return unsupported(fmt::format("version {}", version));
  if ((flags & ~known_flags) != 0) return unsupported(fmt::format("flags {:#x}", flags));
  constexpr std::array line_ends{std::byte{'\n'}, std::byte{' '}, std::byte{'\r'}, std::byte{'\n'}};
  if ((flags & flag_newlines) != 0 &&
      !std::equal(line_ends.begin(), line_ends.end(), sector.begin() + 73)) {
    return corrupt("its line ends were changed; it was copied as if it were text");
  }
  const auto algorithm = vmdk_load<std::uint16_t>(sector, 77);
  const bool compressed = (flags & flag_compressed) != 0, markers = (flags & flag_markers) != 0;
  if (algorithm > 1) return unsupported(fmt::format("compression {}", algorithm));
  if (compressed != (algorithm == 1)) return corrupt("it contradicts itself about compression");
  if (compressed != markers) return unsupported("compression without markers, or the reverse");
  const auto entries = vmdk_load<std::uint32_t>(sector, 44);
  if (entries != vmdk_entries_per_table) return unsupported(fmt::format("tables of {}", entries));
  if (sector[72] != std::byte{0}) return corrupt("it was not closed after its last use");
  return ok();
}

Status set_sizes(std::span<const std::byte> sector, VmdkHeader& header) {
  const auto capacity = bytes_of(vmdk_load<std::uint64_t>(sector, 12));
  if (!capacity || *capacity == 0 || *capacity > largest_disk) {
    return corrupt(fmt::format("a disk of {} sectors", vmdk_load<std::uint64_t>(sector, 12)));
  }
  header.capacity = *capacity;
  const auto grain = vmdk_load<std::uint64_t>(sector, 20);
  if (grain < 8 || grain > mib / vmdk_sector || (grain & (grain - 1)) != 0) {
    return unsupported(fmt::format("grains of {} sectors", grain));
  }
  header.grain = grain * vmdk_sector;
  if (vmdk_grains(header) > most_grains) return unsupported("more than 2^30 grains");
  return ok();
}

Status set_places(std::span<const std::byte> sector, VmdkHeader& header) {
  const auto place = [&sector](std::size_t offset) {
    return bytes_of(vmdk_load<std::uint64_t>(sector, offset));
  };
  const auto text = place(28), length = place(36), overhead = place(64);
  if (!overhead || *overhead < vmdk_sector) return corrupt("its overhead");
  header.overhead = *overhead;
  if (!text || !length || *length > longest_descriptor || (*text == 0) != (*length == 0) ||
      *text + *length > *overhead) {
    return corrupt("the place of its descriptor");
  }
  header.descriptor_offset = *text;
  header.descriptor_length = *length;
  if (vmdk_load<std::uint64_t>(sector, 56) == vmdk_directory_at_end) {
    return header.compressed ? ok() : Status(corrupt("no grain directory"));
  }
  header.directory_offset = place(56);
  if (!header.directory_offset || *header.directory_offset < vmdk_sector) {
    return corrupt("the place of its grain directory");
  }
  return ok();
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string unquoted(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

std::string_view word(std::string_view& rest) {
  rest = trim(rest);
  const std::string_view found = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(found.size());
  return found;
}

// RW 81920 SPARSE "web01-disk1.vmdk" [offset]
Result<VmdkDescriptor::Extent> parse_extent(std::string_view line) {
  VmdkDescriptor::Extent extent;
  extent.access = word(line);
  const std::string_view sectors = word(line);
  for (const char c : sectors) {
    if (c < '0' || c > '9' || extent.sectors > largest_disk) return corrupt("an extent's length");
    extent.sectors = extent.sectors * 10 + static_cast<std::uint64_t>(c - '0');
  }
  extent.type = word(line);
  line = trim(line);
  if (line.size() >= 2 && line.front() == '"') {
    extent.file = std::string(line.substr(1, line.find('"', 1) - 1));
  }
  return extent;
}

bool begins(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

}  // namespace

std::uint64_t vmdk_grains(const VmdkHeader& header) {
  return (header.capacity + header.grain - 1) / header.grain;
}

std::uint64_t vmdk_tables(const VmdkHeader& header) {
  return (vmdk_grains(header) + vmdk_entries_per_table - 1) / vmdk_entries_per_table;
}

bool is_vmdk(std::span<const std::byte> start) {
  return start.size() >= 4 && vmdk_load<std::uint32_t>(start, 0) == vmdk_magic;
}

Result<VmdkHeader> parse_vmdk_header(std::span<const std::byte> sector) {
  if (sector.size() != vmdk_sector || !is_vmdk(sector)) return corrupt("its first bytes");
  VmdkHeader header;
  header.version = vmdk_load<std::uint32_t>(sector, 4);
  const auto flags = vmdk_load<std::uint32_t>(sector, 8);
  FLYT_TRY(check_kind(sector, header.version, flags));
  header.compressed = (flags & flag_compressed) != 0;
  header.zero_grains = (flags & flag_zeroes) != 0;
  FLYT_TRY(set_sizes(sector, header));
  FLYT_TRY(set_places(sector, header));
  return header;
}

Result<VmdkDescriptor> parse_vmdk_descriptor(std::string_view text) {
  VmdkDescriptor descriptor;
  text = text.substr(0, text.find('\0'));
  if (!is_clean_utf8(text, true)) return corrupt("its descriptor is no clean UTF-8");
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (begins(line, "RW ") || begins(line, "RDONLY ") || begins(line, "NOACCESS ")) {
      FLYT_ASSIGN(auto extent, parse_extent(line));
      descriptor.extents.push_back(std::move(extent));
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = trim(line.substr(0, equals));
    const std::string value = unquoted(line.substr(equals + 1));
    if (key == "createType") descriptor.create_type = value;
    if (key == "ddb.adapterType") descriptor.adapter = value;
    if (key == "parentCID") descriptor.parent_cid = value;
    if (key == "parentFileNameHint") descriptor.parent_hint = value;
  }
  return descriptor;
}

Status check_vmdk_descriptor(const VmdkDescriptor& descriptor, const VmdkHeader& header) {
  const std::string& cid = descriptor.parent_cid;
  if (!descriptor.parent_hint.empty() || !(cid.empty() || cid == "ffffffff" || cid == "FFFFFFFF")) {
    return unsupported("it is a difference to another disk");
  }
  const std::string_view kind = header.compressed ? "streamOptimized" : "monolithicSparse";
  if (descriptor.create_type != kind) {
    return unsupported(fmt::format("createType \"{}\"", descriptor.create_type));
  }
  if (descriptor.extents.size() != 1) {
    return unsupported(fmt::format("it has {} extents", descriptor.extents.size()));
  }
  const VmdkDescriptor::Extent& extent = descriptor.extents.front();
  if (extent.type != "SPARSE") return unsupported(fmt::format("an extent {}", extent.type));
  if (extent.sectors * vmdk_sector != header.capacity) {
    return corrupt(fmt::format("its descriptor tells of {} sectors, its header of {}",
                               extent.sectors, header.capacity / vmdk_sector));
  }
  return ok();
}

namespace {

// QEMU looks for a parent's name in the 20 sectors behind the header, whatever the header says.
Status check_hidden_parent(const ByteWindow& file) {
  std::string text(static_cast<std::size_t>(
                       std::min<std::uint64_t>(20 * vmdk_sector, file.size() - vmdk_sector)),
                   '\0');
  FLYT_TRY(file.read(vmdk_sector, std::as_writable_bytes(std::span(text))));
  if (text.find("parentFileNameHint") == std::string::npos) return ok();
  return unsupported("it is a difference to another disk");
}

Result<VmdkHeader> read_footer(const ByteWindow& file, const VmdkHeader& head) {
  if (file.size() < head.overhead + vmdk_footer_bytes) return corrupt("the file ends in it");
  std::array<std::byte, vmdk_footer_bytes> footer;
  FLYT_TRY(file.read(file.size() - footer.size(), footer));
  const auto first = vmdk_load_marker(std::span(footer).first(16));
  const auto last = vmdk_load_marker(std::span(footer).last(vmdk_sector));
  if (first.value != 1 || first.length != 0 || first.type != VmdkMarker::footer ||
      last.value != 0 || last.length != 0 || last.type != VmdkMarker::end) {
    return Error{Errc::corrupt, "the VMDK has no footer: the file is cut off"};
  }
  FLYT_ASSIGN(VmdkHeader header,
              parse_vmdk_header(std::span(footer).subspan(vmdk_sector, vmdk_sector)));
  VmdkHeader same = header;
  same.directory_offset.reset();
  if (!header.directory_offset || same != head) return corrupt("its footer contradicts it");
  return header;
}

Result<VmdkImage> inspect(const ByteWindow& file) {
  std::array<std::byte, vmdk_sector> sector;
  FLYT_TRY(file.read(0, sector));
  VmdkImage image;
  FLYT_ASSIGN(image.header, parse_vmdk_header(sector));
  if (!image.header.directory_offset) {
    FLYT_ASSIGN(image.header, read_footer(file, image.header));
  }
  const VmdkHeader& header = image.header;
  const std::uint64_t length = vmdk_tables(header) * sizeof(std::uint32_t);
  if (header.overhead > file.size() || *header.directory_offset > file.size() ||
      length > file.size() - *header.directory_offset) {
    return Error{Errc::corrupt, "the VMDK is cut off: its grain directory lies behind its end"};
  }
  FLYT_TRY(check_hidden_parent(file));
  if (header.descriptor_length == 0) return unsupported("it holds no descriptor");
  std::string text(static_cast<std::size_t>(header.descriptor_length), '\0');
  FLYT_TRY(file.read(header.descriptor_offset, std::as_writable_bytes(std::span(text))));
  FLYT_ASSIGN(image.descriptor, parse_vmdk_descriptor(text));
  FLYT_TRY(check_vmdk_descriptor(image.descriptor, header));
  return image;
}

}  // namespace

Result<VmdkImage> inspect_vmdk(const ByteWindow& file) {
  return within(file.name(), inspect(file));
}

}  // namespace flyt
