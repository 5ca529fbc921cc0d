// What the API answers, as plain rows of texts. Its types differ from place to place (memory is a
// text, cores a number, yes is 1 or true), so every reader says what it takes a value for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flyt::proxmox {

// An object's members; those of objects and lists inside it as "memory.total" and "ips[0].ip". Yes
// and no are "1" and "0", what is null is left out.
class Row {
 public:
  std::map<std::string, std::string, std::less<>> values;

  bool has(std::string_view key) const { return values.find(key) != values.end(); }
  std::string text(std::string_view key) const;                     // empty: not there
  std::optional<std::uint64_t> number(std::string_view key) const;  // nothing: no whole number
  bool flag(std::string_view key) const { return text(key) == "1"; }
};

// The answer's "data". `what` begins errors: Errc::corrupt for another form.
Result<Row> parse_row(std::string_view body, std::string_view what);
Result<std::vector<Row>> parse_rows(std::string_view body, std::string_view what);
Result<std::string> parse_text(std::string_view body, std::string_view what);  // null: empty
// An object of objects with numbers: {"/vms": {"VM.Audit": 1}}.
using Grants = std::map<std::string, std::vector<std::string>>;
Result<Grants> parse_grants(std::string_view body, std::string_view what);

struct TicketFacts {
  std::string ticket, csrf;
};
Result<TicketFacts> parse_ticket(std::string_view body, std::string_view what);

// The message of a refusal and what was wrong with each parameter, in one line; empty: it says
// nothing.
std::string parse_refusal(std::string_view body);

}  // namespace flyt::proxmox
