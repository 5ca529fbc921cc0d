#include "drivers/ova/package_disk.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "base/lower_case.hpp"
#include "base/units.hpp"
#include "drivers/ova/hardware.hpp"
#include "drivers/shared/byte_source.hpp"

namespace flyt::ova {
namespace {

constexpr std::uint64_t largest_disk = 64 * tib;  // as of a VMDK

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Error unsupported(const Package& package, const std::string& text) {
  return {Errc::unsupported, fmt::format("{}: {}", package.name(), text)};
}

Error corrupt(const Package& package, const std::string& text) {
  return {Errc::corrupt, fmt::format("{}: {}", package.name(), text)};
}

Status check_packing(const Package& package, PackageDisk& disk) {
  const OvfFile& reference = *disk.reference;
  if (reference.chunked) {
    Error error = unsupported(package, fmt::format("{} is split into chunks", reference.href));
    error.remedy = {"export it again without ovftool's --chunkSize"};
    return error;
  }
  if (reference.compression == "gzip") {
    disk.gzip = true;
  } else if (!reference.compression.empty() && reference.compression != "identity") {
    return unsupported(
        package, fmt::format("{} is compressed by {}", reference.href, reference.compression));
  }
  return ok();
}

// The format that the descriptor states, and the first bytes, must agree.
Result<PackageDisk::Kind> kind_of(const Package& package, const PackageDisk& disk,
                                  const std::string& stated, std::span<const std::byte> start) {
  const std::string& href = disk.reference->href;
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (is_vmdk(start)) return PackageDisk::Kind::vmdk;
  if (text.substr(0, vmdk_descriptor_magic.size()) == vmdk_descriptor_magic) {
    Error error = unsupported(
        package, fmt::format("{} only describes a disk that lies in other files", href));
    error.remedy = {"export it as an OVA, which holds streamOptimized disks"};
    return error;
  }
  const std::string format = lower_case(stated);
  const std::string_view end = format;
  if (ends_with(end, "raw") || ends_with(end, "#flat")) return PackageDisk::Kind::raw;
  if (holds(format, "vmdk")) {
    return corrupt(package, fmt::format("{} is no VMDK, though the descriptor says so", href));
  }
  return unsupported(package, fmt::format("{} has the format \"{}\"", href, stated));
}

Result<std::vector<std::byte>> first_bytes(const Package& package, const PackageDisk& disk,
                                           const Call& call) {
  const auto window = package.window(disk.file);
  std::vector<std::byte> start(vmdk_sector);
  std::unique_ptr<ByteStream> stream = stream_of(window);
  if (disk.gzip) stream = gunzip(std::move(stream), window->name());
  FLYT_ASSIGN(const std::size_t got, read_fully(*stream, start, call));
  start.resize(got);
  return start;
}

Status check_size(const Package& package, std::string_view what, std::uint64_t size) {
  if (size > largest_disk) {
    return unsupported(package, fmt::format("{} has {}, more than {}", what, format_size(size),
                                            format_size(largest_disk)));
  }
  if (size % vmdk_sector == 0) return ok();
  return unsupported(
      package, fmt::format("{} has {} bytes, which is no whole number of sectors", what, size));
}

Status set_size(const Package& package, PackageDisk& disk, std::span<const std::byte> start,
                std::optional<std::uint64_t> capacity) {
  const std::string& href = disk.reference->href;
  std::uint64_t size = disk.file.size;
  if (disk.kind == PackageDisk::Kind::vmdk) {
    if (start.size() != vmdk_sector) return corrupt(package, href + " is cut off");
    FLYT_ASSIGN(const VmdkHeader header,
                within(fmt::format("{}: {}", package.name(), href), parse_vmdk_header(start)));
    size = header.capacity;
  } else if (disk.gzip) {
    // Only reading all of it would tell.
    if (!capacity) return unsupported(package, href + " is packed and its size is not stated");
    size = *capacity;
  }
  if (capacity && *capacity != size) {
    return corrupt(package, fmt::format("{} is a disk of {} bytes, the descriptor says {}", href,
                                        size, *capacity));
  }
  disk.size_bytes = size;
  return check_size(package, href, size);
}

Result<PackageDisk> look_at_file(const Package& package, const OvfFile& reference,
                                 const OvfDisk* stated, const Call& call) {
  PackageDisk disk;
  disk.reference = reference;
  FLYT_TRY(check_packing(package, disk));
  FLYT_ASSIGN(disk.file, package.file(reference));
  FLYT_ASSIGN(auto start, first_bytes(package, disk, call));
  const bool is_packed =
      start.size() > 2 && start[0] == std::byte{0x1f} && start[1] == std::byte{0x8b} && !disk.gzip;
  if (is_packed && ends_with(disk.file.name, ".gz")) {
    disk.gzip = true;  // as qemu and ovftool do it, without saying so in the descriptor
    FLYT_ASSIGN(start, first_bytes(package, disk, call));
  }
  const std::string format = stated == nullptr ? "" : stated->format;
  FLYT_ASSIGN(disk.kind, kind_of(package, disk, format, start));
  FLYT_TRY(set_size(package, disk, start,
                    stated == nullptr ? std::nullopt : std::optional(stated->capacity_bytes)));
  if (disk.kind == PackageDisk::Kind::vmdk && !disk.gzip) {
    FLYT_ASSIGN(disk.image, inspect_vmdk(*package.window(disk.file)));
  }
  return disk;
}

}  // namespace

std::string PackageDisk::format() const {
  if (kind == Kind::blank) return "blank";
  if (kind == Kind::raw) return gzip ? "raw-gzip" : "raw";
  if (gzip) return "vmdk-gzip";
  return image && image->header.compressed ? "vmdk-stream" : "vmdk-sparse";
}

Result<PackageDisk> look_at_disk(const Package& package, const std::string& id, const Call& call) {
  const OvfPackage& ovf = package.ovf();
  const OvfDisk* disk = find_disk(ovf, id);
  if (disk == nullptr && id.compare(0, file_disk.size(), file_disk) == 0) {
    const OvfFile* file = find_file(ovf, id.substr(file_disk.size()));
    if (file == nullptr) return corrupt(package, fmt::format("no file has the id {}", id));
    return look_at_file(package, *file, nullptr, call);
  }
  if (disk == nullptr) {
    return Error{Errc::not_found, fmt::format("{}: there is no disk {}", package.name(), id)};
  }
  if (!disk->parent.empty()) {
    return unsupported(package,
                       fmt::format("disk {} is only a difference to {}", id, disk->parent));
  }
  if (disk->file.empty()) {
    PackageDisk blank;
    blank.size_bytes = disk->capacity_bytes;
    FLYT_TRY(check_size(package, fmt::format("disk {}", id), blank.size_bytes));
    return blank;
  }
  const OvfFile* file = find_file(ovf, disk->file);
  if (file == nullptr) {
    return corrupt(package, fmt::format("disk {}: no file has the id {}", id, disk->file));
  }
  return look_at_file(package, *file, disk, call);
}

}  // namespace flyt::ova
