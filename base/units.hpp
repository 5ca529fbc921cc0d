// Sizes, rates and durations as people write and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt {

inline constexpr std::uint64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib, tib = 1024 * gib;

// Disks are counted in sectors of 512 bytes; files need not be.
constexpr std::uint64_t whole_sectors(std::uint64_t bytes) { return (bytes + 511) / 512 * 512; }

std::string format_size(std::uint64_t bytes);                // "38 GiB", "1.9 TiB", "512 B"
std::string format_rate(double bytes_per_second);            // "268 MiB/s"
std::string format_duration(std::chrono::nanoseconds time);  // "41 s", "21 min", "3 h 10 min"

Result<std::uint64_t> parse_size(std::string_view text);  // "200 MiB", "2 TB", "4096"; also ".../s"
// "2026-11-24T12:00:00Z" alone; nothing: another form.
std::optional<std::chrono::sys_seconds> parse_utc(std::string_view text);
Result<std::chrono::seconds> parse_duration(std::string_view text);  // "180 s", "3 min", "2 h"

// The known word nearest to `word` (edit distance at most a third of its length), or "".
// For "did you mean"; ties go to the first.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace flyt
