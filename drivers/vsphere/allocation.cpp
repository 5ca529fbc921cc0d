#include "drivers/vsphere/allocation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/durable_file.hpp"
#include "base/units.hpp"

namespace flyt::vsphere {
namespace {

constexpr std::uint64_t small_gap = 64 * kib;
constexpr std::size_t largest_file = std::size_t{1} << 30;

bool take_number(std::string_view& text, char behind, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() + text.size() || *end != behind) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

void Allocation::add(std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return;
  const std::uint64_t end = offset + length;
  if (!runs_.empty()) {
    Extent& last = runs_.back();
    const std::uint64_t last_end = last.offset + last.length;
    if (offset <= last_end + small_gap) {
      last.length = std::max(last_end, end) - last.offset;
      return;
    }
  }
  runs_.push_back({offset, length, false});
}

Allocation::Run Allocation::at(std::uint64_t offset) const {
  const auto next =
      std::upper_bound(runs_.begin(), runs_.end(), offset,
                       [](std::uint64_t value, const Extent& run) { return value < run.offset; });
  if (next != runs_.begin()) {
    const Extent& here = *std::prev(next);
    if (offset < here.offset + here.length) return {here.offset + here.length, true};
  }
  return {next == runs_.end() ? size_ : next->offset, false};
}

std::string Allocation::text() const {
  std::string text;
  for (const Extent& run : runs_) text += fmt::format("{} {}\n", run.offset, run.length);
  return text;
}

Result<Allocation> parse_allocation(std::string_view text, std::uint64_t size) {
  Allocation allocation(size);
  std::uint64_t reached = 0;
  for (std::size_t line = 1; !text.empty(); ++line) {
    std::uint64_t offset = 0, length = 0;
    if (!take_number(text, ' ', offset) || !take_number(text, '\n', length) || offset < reached ||
        length == 0 || length > size || offset > size - length) {
      return Error{Errc::corrupt, fmt::format("line {} of the map of allocation is wrong", line)};
    }
    allocation.add(offset, length);
    reached = offset + length;
  }
  return allocation;
}

Result<Allocation> read_allocation(const std::filesystem::path& file, std::uint64_t size) {
  FLYT_ASSIGN(const std::string text, read_file(file, largest_file));
  return parse_allocation(text, size);
}

}  // namespace flyt::vsphere
