// Options as data: a command is one row with a table of option rows; parsing and help read them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/attempt.hpp"

namespace flyt::cli {

class Session;

struct OptionInfo {
  std::string_view name;
  char letter = 0;              // 0: none
  std::string_view value = {};  // what the help calls it: "FILE"; empty: a switch
  std::string_view help;        // empty: not listed, for tests
};

// What stands without a dash. At most one row is a list, the last.
struct OperandInfo {
  std::string_view name;  // "PLAN"
  std::string_view help;
  bool required = false, many = false;
};

// What was given on the command line. Options not in the table never get here.
class Arguments {
 public:
  bool has(std::string_view option) const { return options_.contains(option); }
  std::optional<std::string> text(std::string_view option) const;
  const std::vector<std::string>& operands() const noexcept { return operands_; }
  std::string operand(std::size_t at, std::string_view otherwise = "") const;

 private:
  friend Result<Arguments> parse_arguments(const struct CommandInfo&,
                                           const std::vector<std::string>&);
  std::map<std::string, std::string, std::less<>> options_;
  std::vector<std::string> operands_;
};

struct CommandInfo {
  std::string_view name, summary;
  std::span<const OperandInfo> operands;
  std::span<const OptionInfo> options;
  std::string_view example;  // lines as typed
  Outcome (*run)(const Arguments& arguments, Session& session);
};

std::span<const OptionInfo> global_options();

// Errc::invalid: unknown option (nearest one in the remedy), missing value, operands too few or too
// many. `words`: all after the command's name, and the global options before it.
Result<Arguments> parse_arguments(const CommandInfo& command,
                                  const std::vector<std::string>& words);

std::string help_text(const CommandInfo& command);

}  // namespace flyt::cli
