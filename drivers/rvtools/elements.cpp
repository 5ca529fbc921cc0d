#include "drivers/rvtools/elements.hpp"

#include <fmt/format.h>

#include "drivers/shared/xml.hpp"

namespace flyt::rvtools {
namespace {

// Of the tag that `text` begins with, behind its '<'.
std::string_view name_of(std::string_view text) {
  return text.substr(0, text.find_first_of(" \t\r\n/><"));
}

// Behind the '>' of the tag that `text` begins with; npos: it has none.
std::size_t end_of_tag(std::string_view text) {
  char quote = '\0';
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<Elements> Elements::of(std::string_view text, std::string_view name, std::string_view what) {
  if (text.find("<!") == std::string_view::npos) return Elements(text, name, what);
  return Error{
      Errc::invalid,
      fmt::format("{}: it has a document type, a comment or a CDATA section, which flyt refuses",
                  what)};
}

Error Elements::endless() const {
  return {Errc::corrupt, fmt::format("{}: an element {} has no end", what_, name_)};
}

Result<std::optional<std::string_view>> Elements::next() {
  for (;;) {
    const auto begin = left_.find('<');
    if (begin == std::string_view::npos) return std::optional<std::string_view>();
    left_.remove_prefix(begin);
    const std::string_view name = name_of(left_.substr(1));
    if (local_name(name) != name_) {
      left_.remove_prefix(1);
      continue;
    }
    std::size_t end = end_of_tag(left_);
    if (end == std::string_view::npos) return endless();
    if (left_[end - 2] != '/') {
      const std::string closing = fmt::format("</{}", name);
      const auto close = left_.find(closing, end);
      if (close == std::string_view::npos) return endless();
      end = left_.find('>', close);
      if (end == std::string_view::npos) return endless();
      ++end;
    }
    const std::string_view found = left_.substr(0, end);
    left_.remove_prefix(end);
    return std::optional<std::string_view>(found);
  }
}

}  // namespace flyt::rvtools
