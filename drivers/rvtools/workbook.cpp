#include "drivers/rvtools/workbook.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/lower_case.hpp"
#include "drivers/rvtools/elements.hpp"
#include "drivers/rvtools/encoding.hpp"
#include "drivers/rvtools/zip.hpp"
#include "drivers/shared/xml.hpp"

namespace flyt::rvtools {
namespace {

constexpr std::size_t largest_member = std::size_t{256} << 20;
constexpr std::size_t largest_index = std::size_t{1} << 20;  // of the members that name others
constexpr std::size_t most_texts = 4'000'000;
constexpr std::size_t most_columns = 16'384;
constexpr std::size_t rows_between_looks = 256;
constexpr XmlLimits piece_limits{std::size_t{4} << 20, 200'000, 16, true};

// Excel writes the control characters of a text so.
std::string unescaped(std::string_view text) {
  constexpr std::string_view returns = "_x000D_", line = "_x000A_";
  std::string out;
  while (!text.empty()) {
    const bool is_line = text.starts_with(line), is_return = text.starts_with(returns);
    if (is_line) out += '\n';
    if (!is_line && !is_return) out += text.front();
    text.remove_prefix(is_line || is_return ? line.size() : 1);
  }
  return out;
}

// All its runs, without the readings of East Asian words.
std::string rich_text(pugi::xml_node node) {
  std::string text;
  for (const pugi::xml_node child : node.children()) {
    const std::string_view name = local_name(child.name());
    if (name == "t") text += child.text().get();
    if (name == "r") text += xml_child(child, "t").text().get();
  }
  return trimmed(unescaped(text));
}

// "AB12" is in column 27; nothing: it names none.
std::optional<std::size_t> column_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + static_cast<std::size_t>(c - 'A') + 1;
    if (column > most_columns) return std::nullopt;
  }
  if (column == 0) return std::nullopt;
  return column - 1;
}

class RowReader {
 public:
  RowReader(const std::vector<std::string>& shared, std::string what)
      : shared_(shared), what_(std::move(what)) {}

  Result<Cells> read(std::string_view piece) const {
    FLYT_ASSIGN(const auto document, parse_xml(piece, what_, piece_limits));
    Cells cells;
    std::size_t column = 0;
    for (const pugi::xml_node node : xml_children(document->first_child(), "c")) {
      const std::string reference = xml_attribute_text(node, "r");
      if (const auto there = column_of(reference)) column = *there;
      if (column >= most_columns || (!reference.empty() && !column_of(reference))) {
        return Error{Errc::corrupt, fmt::format("{}: there is no cell {:?}", what_, reference)};
      }
      if (cells.size() <= column) cells.resize(column + 1);
      FLYT_ASSIGN(cells[column], cell_of(node));
      ++column;
    }
    return cells;
  }

 private:
  Result<Cell> cell_of(pugi::xml_node node) const {
    const std::string type = xml_attribute_text(node, "t");
    if (type == "inlineStr") return Cell{rich_text(xml_child(node, "is"))};
    const std::string value = trimmed(xml_child(node, "v").text().get());
    if (type == "s") return shared_text(value);
    if (type == "b") return Cell{value == "1" ? "True" : value.empty() ? "" : "False"};
    if (type == "e") return Cell{};  // a formula's error
    return Cell{unescaped(value), type.empty() || type == "n"};
  }

  Result<Cell> shared_text(const std::string& number) const {
    std::size_t at = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), at);
    if (read.ec == std::errc() && at < shared_.size()) return Cell{shared_[at]};
    return Error{Errc::corrupt, fmt::format("{}: there is no shared text {:?}", what_, number)};
  }

  const std::vector<std::string>& shared_;
  std::string what_;
};

bool is_blank(const Cells& cells) {
  for (const Cell& cell : cells) {
    if (!cell.text.empty()) return false;
  }
  return true;
}

// "/xl/worksheets/sheet1.xml" stands so in the file; what has no '/' in front lies below xl/.
std::string member_of(const std::string& target) {
  return target.starts_with('/') ? target.substr(1) : "xl/" + target;
}

}  // namespace

Status read_sheet(std::string_view xml, const std::vector<std::string>& shared,
                  const std::string& what, const RowSink& sink, const Call& call) {
  FLYT_ASSIGN(Elements rows, Elements::of(xml, "row", what));
  const RowReader reader(shared, what);
  for (std::size_t count = 0;; ++count) {
    if (count % rows_between_looks == 0) FLYT_TRY(proceed(call, what));
    FLYT_ASSIGN(const auto piece, rows.next());
    if (!piece) return ok();
    FLYT_ASSIGN(const Cells cells, reader.read(*piece));
    if (!is_blank(cells)) FLYT_TRY(sink(cells));
  }
}

Result<Workbook> Workbook::open(std::filesystem::path file, const Call& call) {
  Workbook book(std::move(file));
  FLYT_TRY(book.find_sheets(call));
  FLYT_TRY(book.read_shared(call));
  return book;
}

Status Workbook::find_sheets(const Call& call) {
  FLYT_ASSIGN(const auto links,
              read_member(file_, "xl/_rels/workbook.xml.rels", largest_index, call));
  FLYT_ASSIGN(const auto relations, parse_xml(to_utf8(links), "relations"));
  std::map<std::string, std::string> targets;
  for (const auto one : xml_children(relations->document_element(), "Relationship")) {
    targets[xml_attribute_text(one, "Id")] = member_of(xml_attribute_text(one, "Target"));
  }
  FLYT_ASSIGN(const auto index, read_member(file_, "xl/workbook.xml", largest_index, call));
  FLYT_ASSIGN(const auto book, parse_xml(to_utf8(index), "workbook.xml"));
  for (const auto sheet : xml_children(xml_child(book->document_element(), "sheets"), "sheet")) {
    const auto target = targets.find(xml_attribute_text(sheet, "id"));
    if (target == targets.end()) continue;
    sheets_.emplace(lower_case(xml_attribute_text(sheet, "name")), target->second);
  }
  return ok();
}

Status Workbook::read_shared(const Call& call) {
  auto text = read_member(file_, "xl/sharedStrings.xml", largest_member, call);
  if (!text && text.error().code == Errc::not_found) return ok();  // its cells hold their texts
  if (!text) return std::move(text).error();
  const std::string what = "shared texts";
  const std::string clean = to_utf8(*std::move(text));
  FLYT_ASSIGN(Elements items, Elements::of(clean, "si", what));
  for (;;) {
    if (shared_.size() % rows_between_looks == 0) FLYT_TRY(proceed(call, what));
    FLYT_ASSIGN(const auto piece, items.next());
    if (!piece) return ok();
    if (shared_.size() == most_texts) {
      return Error{Errc::invalid, fmt::format("{}: more than {}", what, most_texts)};
    }
    FLYT_ASSIGN(const auto item, parse_xml(*piece, what, piece_limits));
    shared_.push_back(rich_text(item->first_child()));
  }
}

bool Workbook::has(const std::string& sheet) const { return sheets_.contains(lower_case(sheet)); }

Status Workbook::read(const std::string& sheet, const RowSink& sink, const Call& call) const {
  const auto member = sheets_.find(lower_case(sheet));
  if (member == sheets_.end()) return Error{Errc::not_found, "there is no sheet " + sheet};
  FLYT_ASSIGN(auto packed, read_member(file_, member->second, largest_member, call));
  return read_sheet(to_utf8(std::move(packed)), shared_, sheet, sink, call);
}

}  // namespace flyt::rvtools
