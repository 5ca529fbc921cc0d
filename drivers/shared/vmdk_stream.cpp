#include "drivers/shared/vmdk_stream.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/vmdk_layout.hpp"

namespace flyt {
namespace {

class Inflater {
 public:
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&zlib_);
  }

  // How many bytes came out; nothing: `in` is not one whole zlib stream that fits into `out`.
  std::optional<std::size_t> inflate_all(std::span<std::byte> in, std::span<std::byte> out) {
    if (ready_ ? inflateReset(&zlib_) != Z_OK : inflateInit(&zlib_) != Z_OK) return std::nullopt;
    ready_ = true;
    zlib_.next_in = reinterpret_cast<Bytef*>(in.data());
    zlib_.avail_in = static_cast<uInt>(in.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib_.avail_out = static_cast<uInt>(out.size());
    if (inflate(&zlib_, Z_FINISH) != Z_STREAM_END) return std::nullopt;
    return out.size() - zlib_.avail_out;
  }

 private:
  z_stream zlib_ = {};
  bool ready_ = false;
};

// Which grains there are, as a number that two lists share only when they are the same.
struct GrainList {
  std::uint64_t count = 0, mix = 0xcbf29ce484222325;  // FNV-1a
  void add(std::uint64_t grain) {
    ++count;
    for (unsigned shift = 0; shift != 64; shift += 8) {
      mix = (mix ^ (grain >> shift & 0xffU)) * 0x100000001b3;
    }
  }
  bool operator==(const GrainList&) const = default;
};

}  // namespace

struct VmdkStream::Impl {
  Impl(std::unique_ptr<ByteStream> from, const VmdkStreamSpec& spec)
      : source(std::move(from)), what(spec.what), wanted_size(spec.size_bytes) {}

  Status begin(const Call& call);
  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call);

  std::unique_ptr<ByteStream> source;
  std::string what;
  std::optional<std::uint64_t> wanted_size;
  VmdkHeader header;
  std::optional<Error> failed;

 private:
  Error corrupt(std::string_view text) const;
  Status fill(std::span<std::byte> out, const Call& call);
  Status skip_to(std::uint64_t offset, const Call& call);

  Status read_descriptor(const Call& call);
  Status read_tables(const Call& call);
  Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> read_directory(const Call& call);
  Status read_table(std::uint64_t number, const Call& call);

  Status next_marker(const Call& call);
  Status accept_grain(const VmdkMarkerSector& marker);
  Status read_metadata(const VmdkMarkerSector& marker, const Call& call);
  Status read_footer(const Call& call);
  Status finish(const Call& call);
  Status unpack(const VmdkMarkerSector& marker, std::span<std::byte> out, const Call& call);

  std::uint64_t at = 0;               // how much of the source was read
  std::uint64_t disk_at = 0;          // up to here the disk was handed out
  std::uint64_t next_grain = 0;       // no grain before this one may come
  std::optional<GrainList> promised;  // by tables in front
  GrainList seen;
  bool has_footer = false, at_end = false, finished = false;
  std::array<std::byte, vmdk_sector> sector = {};
  std::optional<VmdkMarkerSector> grain;  // the next one; `sector` holds its start
  std::vector<std::byte> packed, last;
  Inflater inflater;
};

Error VmdkStream::Impl::corrupt(std::string_view text) const {
  return {Errc::corrupt,
          fmt::format("{}: {}", what, text),
          fmt::format("in the VMDK stream, before byte {}", at),
          {},
          {},
          {"get the file again, and compare its checksum with the origin's"}};
}

Status VmdkStream::Impl::fill(std::span<std::byte> out, const Call& call) {
  FLYT_ASSIGN(const std::size_t got, read_fully(*source, out, call));
  at += got;
  return got == out.size() ? ok() : Status(corrupt("the VMDK stream ends too early"));
}

Status VmdkStream::Impl::skip_to(std::uint64_t offset, const Call& call) {
  if (offset < at) return corrupt("its tables are out of order");
  std::vector<std::byte> waste(static_cast<std::size_t>(std::min(offset - at, mib)));
  while (at != offset) {
    const std::uint64_t length = std::min<std::uint64_t>(offset - at, waste.size());
    FLYT_TRY(fill(std::span(waste).first(static_cast<std::size_t>(length)), call));
  }
  return ok();
}

Status VmdkStream::Impl::begin(const Call& call) {
  FLYT_TRY(fill(sector, call));
  FLYT_ASSIGN(header, within(what, parse_vmdk_header(sector)));
  if (!header.compressed) {
    return Error{Errc::unsupported,
                 what + ": the VMDK is not streamOptimized, so it cannot be read as a stream"};
  }
  if (wanted_size && *wanted_size != header.capacity) {
    return corrupt(fmt::format("the disk should have {} bytes, its VMDK tells of {}", *wanted_size,
                               header.capacity));
  }
  FLYT_TRY(read_descriptor(call));
  FLYT_TRY(read_tables(call));
  FLYT_TRY(skip_to(header.overhead, call));
  packed.resize(static_cast<std::size_t>(vmdk_longest_data(header.grain) + 2 * vmdk_sector));
  last.resize(static_cast<std::size_t>(header.grain));
  return next_marker(call);
}

Status VmdkStream::Impl::read_descriptor(const Call& call) {
  if (header.descriptor_length == 0) return ok();
  if (header.directory_offset < header.descriptor_offset && header.directory_offset) return ok();
  FLYT_TRY(skip_to(header.descriptor_offset, call));
  std::string text(static_cast<std::size_t>(header.descriptor_length), '\0');
  FLYT_TRY(fill(std::as_writable_bytes(std::span(text)), call));
  FLYT_ASSIGN(const VmdkDescriptor descriptor, within(what, parse_vmdk_descriptor(text)));
  return within(what, check_vmdk_descriptor(descriptor, header));
}

// Tables in front of the grains say which grains must come. Without them a footer and its end
// marker say that nothing is missing.
Status VmdkStream::Impl::read_tables(const Call& call) {
  if (!header.directory_offset) return ok();
  FLYT_ASSIGN(const auto tables, read_directory(call));
  promised.emplace();
  for (const auto& [number, offset] : tables) {
    FLYT_TRY(skip_to(offset, call));
    FLYT_TRY(read_table(number, call));
  }
  return at <= header.overhead ? ok() : Status(corrupt("tables among the grains"));
}

// Numbers and places of the tables that there are.
Result<std::vector<std::pair<std::uint64_t, std::uint64_t>>> VmdkStream::Impl::read_directory(
    const Call& call) {
  FLYT_TRY(skip_to(*header.directory_offset, call));
  std::vector<std::byte> raw(static_cast<std::size_t>(vmdk_tables(header) * sizeof(std::uint32_t)));
  FLYT_TRY(fill(raw, call));
  std::vector<std::pair<std::uint64_t, std::uint64_t>> tables;
  for (std::uint64_t i = 0; i != vmdk_tables(header); ++i) {
    const auto place = vmdk_load<std::uint32_t>(raw, static_cast<std::size_t>(4 * i));
    if (place != 0) tables.emplace_back(i, place * vmdk_sector);
  }
  return tables;
}

Status VmdkStream::Impl::read_table(std::uint64_t number, const Call& call) {
  std::array<std::byte, vmdk_entries_per_table * sizeof(std::uint32_t)> raw;
  FLYT_TRY(fill(raw, call));
  for (std::uint64_t i = 0; i != vmdk_entries_per_table; ++i) {
    const auto entry = vmdk_load<std::uint32_t>(raw, static_cast<std::size_t>(4 * i));
    if (entry == 0 || (entry == 1 && header.zero_grains)) continue;
    promised->add(number * vmdk_entries_per_table + i);
  }
  return ok();
}

// Reads on to the next grain's marker, or to the end of all markers.
Status VmdkStream::Impl::next_marker(const Call& call) {
  grain.reset();
  while (!at_end) {
    FLYT_ASSIGN(const std::size_t got, read_fully(*source, sector, call));
    at += got;
    if (got == 0 && promised) {
      at_end = true;  // QEMU writes no end marker; the tables tell whether all grains came
      return ok();
    }
    if (got != sector.size()) return corrupt("the VMDK stream ends too early");
    const VmdkMarkerSector marker = vmdk_load_marker(sector);
    if (marker.length != 0) return accept_grain(marker);
    FLYT_TRY(read_metadata(marker, call));
  }
  return ok();
}

Status VmdkStream::Impl::accept_grain(const VmdkMarkerSector& marker) {
  const std::uint64_t sectors = header.grain / vmdk_sector;
  const std::uint64_t number = marker.value / sectors;
  if (marker.value % sectors != 0 || number >= vmdk_grains(header)) {
    return corrupt(fmt::format("a grain of sector {}, which is none of the disk", marker.value));
  }
  if (number < next_grain) return corrupt("grains that are out of order");
  if (marker.length > vmdk_longest_data(header.grain)) {
    return corrupt(fmt::format("a grain of {} bytes", marker.length));
  }
  if (has_footer) return corrupt("a grain behind the footer");
  next_grain = number + 1;
  seen.add(number);
  grain = marker;
  return ok();
}

Status VmdkStream::Impl::read_metadata(const VmdkMarkerSector& marker, const Call& call) {
  const std::uint64_t directory_sectors =
      (vmdk_tables(header) * sizeof(std::uint32_t) + vmdk_sector - 1) / vmdk_sector;
  switch (marker.type) {
    case VmdkMarker::end:
      if (marker.value != 0) return corrupt("a marker without content");
      at_end = true;
      return ok();
    case VmdkMarker::table:
      if (marker.value != 4) return corrupt("a table of the wrong length");
      return skip_to(at + marker.value * vmdk_sector, call);
    case VmdkMarker::directory:
      if (marker.value != directory_sectors) return corrupt("a directory of the wrong length");
      return skip_to(at + marker.value * vmdk_sector, call);
    case VmdkMarker::footer:
      if (marker.value != 1 || has_footer) return corrupt("a wrong footer");
      return read_footer(call);
  }
  return corrupt("a marker of an unknown kind");
}

Status VmdkStream::Impl::read_footer(const Call& call) {
  FLYT_TRY(fill(sector, call));
  FLYT_ASSIGN(VmdkHeader footer, within(what, parse_vmdk_header(sector)));
  footer.directory_offset = header.directory_offset;
  if (footer != header) return corrupt("its footer contradicts its header");
  has_footer = true;
  return ok();
}

// Everything was handed out: is it all that there is?
Status VmdkStream::Impl::finish(const Call& call) {
  if (!at_end) return corrupt("more grains than the disk has");
  if (!promised && !has_footer) return corrupt("it has no footer, so parts may be missing");
  if (promised && *promised != seen) {
    return corrupt(fmt::format("its tables promise {} grains, and {} others came", promised->count,
                               seen.count));
  }
  std::vector<std::byte> rest(static_cast<std::size_t>(mib));
  for (;;) {
    FLYT_ASSIGN(const std::size_t got, source->read(rest, call));
    if (got == 0) break;
    at += got;
    const auto bytes = std::span(rest).first(got);
    if (std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; })) {
      return corrupt("data behind its end marker");
    }
  }
  finished = true;
  return ok();
}

Status VmdkStream::Impl::unpack(const VmdkMarkerSector& marker, std::span<std::byte> out,
                                const Call& call) {
  std::memcpy(packed.data(), sector.data(), sector.size());
  const std::uint64_t whole = vmdk_grain_marker_bytes + marker.length;
  const std::uint64_t padded = (whole + vmdk_sector - 1) / vmdk_sector * vmdk_sector;
  const auto rest = static_cast<std::size_t>(padded - vmdk_sector);
  FLYT_TRY(fill(std::span(packed).subspan(vmdk_sector, rest), call));
  const auto data = std::span(packed).subspan(vmdk_grain_marker_bytes, marker.length);
  // The disk's last grain may be a part of one; writers differ in whether they fill it up.
  const bool is_part = out.size() < header.grain;
  const auto got = inflater.inflate_all(data, is_part ? std::span(last) : out);
  if (!got || *got < out.size()) return corrupt("a grain that cannot be unpacked");
  if (is_part) std::memcpy(out.data(), last.data(), out.size());
  return ok();
}

Result<std::optional<Extent>> VmdkStream::Impl::next(std::span<std::byte> buffer,
                                                     const Call& call) {
  if (disk_at == header.capacity) {
    if (!finished) FLYT_TRY(finish(call));
    return std::optional<Extent>();
  }
  const std::uint64_t start = disk_at;
  const std::uint64_t data_at = grain ? grain->value * vmdk_sector : header.capacity;
  if (data_at > start) {
    disk_at = data_at;
    return std::optional(Extent{start, data_at - start, true});
  }
  while (grain && grain->value * vmdk_sector == disk_at) {
    const std::uint64_t length = std::min(header.grain, header.capacity - disk_at);
    if (disk_at - start + length > buffer.size()) break;
    const auto out =
        buffer.subspan(static_cast<std::size_t>(disk_at - start), static_cast<std::size_t>(length));
    FLYT_TRY(unpack(*grain, out, call));
    disk_at += length;
    FLYT_TRY(next_marker(call));
  }
  return std::optional(Extent{start, disk_at - start, false});
}

VmdkStream::VmdkStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VmdkStream::VmdkStream(VmdkStream&&) noexcept = default;
VmdkStream& VmdkStream::operator=(VmdkStream&&) noexcept = default;
VmdkStream::~VmdkStream() = default;

Result<VmdkStream> VmdkStream::open(std::unique_ptr<ByteStream> source, const VmdkStreamSpec& spec,
                                    const Call& call) {
  auto impl = std::make_unique<Impl>(std::move(source), spec);
  FLYT_TRY(impl->begin(call));
  return VmdkStream(std::move(impl));
}

const VmdkHeader& VmdkStream::header() const noexcept { return impl_->header; }

Result<std::optional<Extent>> VmdkStream::next(std::span<std::byte> buffer, const Call& call) {
  if (impl_->failed) return *impl_->failed;
  if (buffer.size() < mib) {
    return Error{Errc::invalid, fmt::format("{}: the buffer is too small", impl_->what)};
  }
  auto got = impl_->next(buffer, call);
  // Also after a stop: the middle of a grain may be lost.
  if (!got) impl_->failed = got.error();
  return got;
}

}  // namespace flyt
