#include "drivers/rvtools/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace flyt::rvtools {
namespace {

constexpr std::size_t most_columns = 16'384;  // of a sheet in Excel
constexpr std::size_t rows_between_looks = 4096;

char most_frequent_mark(std::string_view text) {
  constexpr std::array marks{',', ';', '\t', '|'};
  std::array<std::size_t, marks.size()> seen{};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') break;
    for (std::size_t i = 0; i < marks.size(); ++i) seen[i] += c == marks[i] ? 1 : 0;
  }
  return marks[static_cast<std::size_t>(std::max_element(seen.begin(), seen.end()) - seen.begin())];
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view what) : left_(text), what_(what) {
    constexpr std::string_view said = "sep=";
    const auto end = std::min(left_.find_first_of("\r\n"), left_.size());
    if (left_.starts_with(said) && end == said.size() + 1) {
      mark_ = left_[said.size()];
      left_.remove_prefix(end);
      skip_line_end();
    } else {
      mark_ = most_frequent_mark(left_);
    }
  }

  bool at_end() const { return left_.empty(); }
  std::size_t line() const { return line_; }

  Result<Cells> row() {
    Cells cells;
    for (;;) {
      FLYT_ASSIGN(std::string field, field_text());
      cells.push_back({std::move(field)});
      if (cells.size() > most_columns)
        return corrupt(fmt::format("more than {} fields", most_columns));
      if (left_.empty() || left_.front() != mark_) break;
      left_.remove_prefix(1);
    }
    skip_line_end();
    return cells;
  }

  Error corrupt(std::string_view why) const {
    return {Errc::corrupt, fmt::format("{}: line {}: {}", what_, line_, why)};
  }

 private:
  void skip_line_end() {
    if (left_.empty()) return;
    left_.remove_prefix(left_.starts_with("\r\n") ? 2 : 1);
    ++line_;
  }

  bool ends_field(char c) const { return c == mark_ || c == '\n' || c == '\r'; }

  Result<std::string> field_text() {
    std::string field;
    if (left_.starts_with('"')) {
      left_.remove_prefix(1);
      FLYT_TRY(quoted_part(field));
    }
    std::size_t end = 0;
    while (end < left_.size() && !ends_field(left_[end])) ++end;
    field += left_.substr(0, end);
    left_.remove_prefix(end);
    return trimmed(field);
  }

  Status quoted_part(std::string& field) {
    const Error open = corrupt("a quote is opened here and never closed");
    for (;;) {
      const auto quote = left_.find('"');
      if (quote == std::string_view::npos) return open;
      line_ += static_cast<std::size_t>(
          std::count(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(quote), '\n'));
      field += left_.substr(0, quote);
      left_.remove_prefix(quote + 1);
      if (!left_.starts_with('"')) return ok();
      field += '"';
      left_.remove_prefix(1);
    }
  }

  std::string_view left_, what_;
  char mark_ = ',';
  std::size_t line_ = 1;
};

bool is_blank(const Cells& cells) { return cells.size() == 1 && cells.front().text.empty(); }

}  // namespace

Status read_csv(std::string_view text, std::string_view what, const RowSink& sink,
                const Call& call) {
  Reader reader(text, what);
  std::size_t columns = 0;
  for (std::size_t rows = 0; !reader.at_end(); ++rows) {
    if (rows % rows_between_looks == 0) FLYT_TRY(proceed(call, what));
    const Reader before = reader;
    FLYT_ASSIGN(const Cells cells, reader.row());
    if (is_blank(cells)) continue;
    if (columns == 0) columns = cells.size();
    if (cells.size() != columns) {
      Error error =
          before.corrupt(fmt::format("{} fields, the header has {}", cells.size(), columns));
      error.why = "the file is cut short, or was changed by another program";
      return error;
    }
    FLYT_TRY(sink(cells));
  }
  return ok();
}

}  // namespace flyt::rvtools
