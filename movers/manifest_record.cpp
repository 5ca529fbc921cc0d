#include "movers/manifest_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <string_view>

namespace flyt::movers {

namespace {

constexpr std::string_view magic = "flytmani";
constexpr std::uint32_t format_version = 1;

template <std::unsigned_integral T>
void put(std::span<std::byte> bytes, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

template <std::unsigned_integral T>
T get(std::span<const std::byte> bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(value << 8 | std::to_integer<T>(bytes[at + i]));
  }
  return value;
}

std::uint32_t record_crc(std::span<const std::byte> bytes) {
  return crc32c(bytes.subspan(32, 32), crc32c(bytes.first(28)));
}

}  // namespace

RecordBytes encode(const ManifestHeader& header) {
  RecordBytes bytes{};
  std::memcpy(bytes.data(), magic.data(), magic.size());
  put(bytes, 8, format_version);
  put(bytes, 12, static_cast<std::uint32_t>(block_bytes));
  put(bytes, 16, header.length);
  put(bytes, 24, header.first_view);
  put(bytes, 28, header.complete_view);
  put(bytes, 32, static_cast<std::uint32_t>(header.doubtful));
  put(bytes, 60, crc32c(std::span(bytes).first(60)));
  return bytes;
}

RecordBytes encode(const Record& record) {
  RecordBytes bytes{};
  put(bytes, 0, record.first);
  put(bytes, 8, record.count);
  put(bytes, 16, record.view);
  put(bytes, 20, record.epoch);
  put(bytes, 24, static_cast<std::uint32_t>(record.kind));
  std::memcpy(&bytes[32], record.digest.data(), record.digest.size());
  put(bytes, 28, record_crc(bytes));
  return bytes;
}

Result<ManifestHeader> parse_header(std::span<const std::byte> bytes) {
  if (bytes.size() < record_bytes || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) {
    return Error{Errc::corrupt, "not a manifest: the first bytes are others"};
  }
  if (get<std::uint32_t>(bytes, 60) != crc32c(bytes.first(60))) {
    return Error{Errc::corrupt, "the manifest's header is damaged"};
  }
  if (const auto version = get<std::uint32_t>(bytes, 8); version != format_version) {
    return Error{Errc::unsupported, fmt::format("the manifest has version {}, this flyt knows {}",
                                                version, format_version)};
  }
  if (const auto size = get<std::uint32_t>(bytes, 12); size != block_bytes) {
    return Error{Errc::unsupported, fmt::format("the manifest has blocks of {} bytes", size)};
  }
  return ManifestHeader{get<std::uint64_t>(bytes, 16), get<ViewNumber>(bytes, 24),
                        get<ViewNumber>(bytes, 28), get<std::uint32_t>(bytes, 32) != 0};
}

bool parse_record(std::span<const std::byte, record_bytes> bytes, Record& out) {
  out.first = get<std::uint64_t>(bytes, 0);
  out.count = get<std::uint64_t>(bytes, 8);
  out.view = get<ViewNumber>(bytes, 16);
  out.epoch = get<std::uint32_t>(bytes, 20);
  out.kind = static_cast<RecordKind>(get<std::uint32_t>(bytes, 24));
  std::memcpy(out.digest.data(), &bytes[32], out.digest.size());
  return get<std::uint32_t>(bytes, 28) == record_crc(bytes);
}

bool is_valid(const Record& record, std::uint64_t blocks) {
  const bool known = record.kind == RecordKind::data || record.kind == RecordKind::zero ||
                     record.kind == RecordKind::nothing;
  return known && record.count > 0 && record.first < blocks &&
         record.count <= blocks - record.first &&
         (record.kind != RecordKind::data || record.count == 1);
}

}  // namespace flyt::movers
