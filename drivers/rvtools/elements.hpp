// Long XML documents in pieces: one element of a name after the other, each to be parsed by itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flyt::rvtools {

class Elements {
 public:
  // `text` outlives it; `what` begins errors. Errc::invalid: a document type, a comment or a CDATA
  // section, in which what looks like an element need not be one.
  static Result<Elements> of(std::string_view text, std::string_view name, std::string_view what);

  // From '<' to '>', whatever prefix the name has; nothing: there are no more. Errc::corrupt: it
  // has no end.
  Result<std::optional<std::string_view>> next();

 private:
  Elements(std::string_view text, std::string_view name, std::string_view what)
      : left_(text), name_(name), what_(what) {}
  Error endless() const;

  std::string_view left_;
  std::string name_, what_;
};

}  // namespace flyt::rvtools
