#include "cli/views/csv/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "cli/views/human/text.hpp"

namespace flyt::cli {
namespace {

constexpr std::array columns{"endpoint", "machine",  "id",           "folder", "power",
                             "guest",    "cpus",     "memory_bytes", "disks",  "disk_bytes",
                             "verdict",  "severity", "code",         "text",   "remedy"};

// Where a spreadsheet sees the beginning of a formula, a full-width one included.
bool begins_formula(std::string_view text) {
  constexpr std::array<std::string_view, 8> marks{
      "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  for (const std::string_view mark : marks) {
    if (text.starts_with(mark)) return true;
  }
  return false;
}

std::string without_formulas(std::string_view text) {
  std::string out = begins_formula(text) ? "'" : "";
  for (std::size_t at = 0; at < text.size(); ++at) {
    out += text[at];
    const bool may_end_a_cell = text[at] == ';' || text[at] == '|';
    if (may_end_a_cell && begins_formula(text.substr(at + 1))) out += '\'';
  }
  return out;
}

std::string line_of(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) {
    if (&cell != &cells.front()) line += ',';
    line += csv_cell(cell);
  }
  return line + "\r\n";
}

template <typename T>
std::string number(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

std::vector<std::string> machine_cells(const Assessment& assessment, const AssessedMachine& one) {
  const Machine& machine = *one.machine;
  const bool known = machine.unreadable.empty();
  std::uint64_t size = 0;
  for (const Disk& disk : machine.disks) size += disk.size_bytes;
  return {assessment.endpoint,
          machine.name,
          machine.id,
          machine.folder,
          std::string(to_string(machine.power)),
          machine.guest.name.empty() ? machine.guest.id : machine.guest.name,
          number(machine.cpus),
          number(machine.memory_bytes),
          known ? fmt::format("{}", machine.disks.size()) : "",
          known ? fmt::format("{}", size) : "",
          std::string(verdict_word(one.worst()))};
}

}  // namespace

std::string csv_cell(std::string_view text) {
  std::string safe = without_formulas(one_line(text));
  if (safe.find_first_of(",\"") == std::string::npos) return safe;
  std::string quoted = "\"";
  for (const char c : safe) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string assessment_csv_header() { return line_of({columns.begin(), columns.end()}); }

std::string assessment_csv(const Assessment& assessment) {
  std::string out;
  for (const AssessedMachine& one : assessment.all) {
    const auto machine = machine_cells(assessment, one);
    const auto add = [&](const Concern* concern) {
      auto cells = machine;
      if (concern == nullptr) {
        cells.resize(columns.size());
      } else {
        cells.insert(cells.end(), {std::string(to_string(concern->severity)), concern->code,
                                   concern->text, concern->remedy});
      }
      out += line_of(cells);
    };
    for (const Concern& concern : one.concerns) add(&concern);
    if (one.concerns.empty()) add(nullptr);
  }
  return out;
}

}  // namespace flyt::cli
