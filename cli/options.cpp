#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>

#include "base/units.hpp"

namespace flyt::cli {
namespace {

namespace po = boost::program_options;

constexpr std::array global{
    OptionInfo{"site", 0, "FILE", "the site file (default: flyt.toml)"},
    OptionInfo{"json", 0, "", "one JSON object a line instead of text"},
    OptionInfo{"no-color", 0, "", "no colours"},
    OptionInfo{"help", 'h', "", "show this help"},
};

std::string spelled(const OptionInfo& option) {
  return option.letter == 0 ? std::string(option.name)
                            : fmt::format("{},{}", option.name, option.letter);
}

po::options_description described(const CommandInfo& command) {
  po::options_description all;
  const auto add = [&all](const OptionInfo& option) {
    if (option.value.empty()) {
      all.add_options()(spelled(option).c_str(), "");
    } else {
      all.add_options()(spelled(option).c_str(), po::value<std::string>(), "");
    }
  };
  std::for_each(global.begin(), global.end(), add);
  std::for_each(command.options.begin(), command.options.end(), add);
  return all;
}

Error wrong_usage(const CommandInfo& command, std::string what) {
  return {.code = Errc::invalid,
          .what = std::move(what),
          .state = "nothing was done",
          .remedy = {command.name.empty() ? "flyt --help"
                                          : fmt::format("flyt {} --help", command.name)}};
}

Error unknown_option(const CommandInfo& command, const std::string& given) {
  Error error = wrong_usage(command, fmt::format("there is no option {}", given));
  std::vector<std::string_view> known;
  known.reserve(global.size() + command.options.size());
  for (const auto& option : global) known.push_back(option.name);
  for (const auto& option : command.options) known.push_back(option.name);
  const auto bare = given.substr(std::min(given.find_first_not_of('-'), given.size()));
  if (const auto near = nearest(bare, known); !near.empty()) {
    error.remedy.insert(error.remedy.begin(), fmt::format("write --{}", near));
  }
  return error;
}

Status check_operands(const CommandInfo& command, const std::vector<std::string>& given) {
  std::size_t least = 0;
  bool many = false;
  for (const auto& operand : command.operands) {
    if (operand.required) ++least;
    many = many || operand.many;
  }
  if (given.size() < least) {
    return wrong_usage(command, fmt::format("{} is missing", command.operands[given.size()].name));
  }
  if (!many && given.size() > command.operands.size()) {
    return wrong_usage(command,
                       fmt::format("{:?} is one word too many", given[command.operands.size()]));
  }
  return ok();
}

// Switches and options with a value, in the two columns of a help text.
std::string rows(std::span<const OptionInfo> options) {
  std::string text;
  for (const auto& option : options) {
    if (option.help.empty()) continue;
    const std::string letter = option.letter == 0 ? "    " : fmt::format("-{}, ", option.letter);
    const std::string value = option.value.empty() ? "" : fmt::format(" {}", option.value);
    text += fmt::format("  {:<26}  {}\n", fmt::format("{}--{}{}", letter, option.name, value),
                        option.help);
  }
  return text;
}

std::string synopsis(const CommandInfo& command) {
  std::string text = fmt::format("flyt {}", command.name);
  for (const auto& operand : command.operands) {
    const auto shape = fmt::format("{}{}", operand.name, operand.many ? "..." : "");
    text += operand.required ? fmt::format(" {}", shape) : fmt::format(" [{}]", shape);
  }
  return text + " [options]";
}

}  // namespace

std::optional<std::string> Arguments::text(std::string_view option) const {
  const auto found = options_.find(option);
  if (found == options_.end()) return std::nullopt;
  return found->second;
}

std::string Arguments::operand(std::size_t at, std::string_view otherwise) const {
  return at < operands_.size() ? operands_[at] : std::string(otherwise);
}

std::span<const OptionInfo> global_options() { return global; }

Result<Arguments> parse_arguments(const CommandInfo& command,
                                  const std::vector<std::string>& words) {
  namespace style = po::command_line_style;
  Arguments arguments;
  try {
    const auto known = described(command);
    const auto parsed = po::command_line_parser(words)
                            .options(known)
                            .style(style::unix_style & ~style::allow_guessing)
                            .run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0 || option.string_key.empty()) {
        arguments.operands_.insert(arguments.operands_.end(), option.value.begin(),
                                   option.value.end());
      } else {
        arguments.options_[option.string_key] = option.value.empty() ? "" : option.value.front();
      }
    }
  } catch (const po::unknown_option& error) {
    return unknown_option(command, error.get_option_name());
  } catch (const po::error& error) {
    return wrong_usage(command, error.what());
  }
  if (!arguments.has("help")) FLYT_TRY(check_operands(command, arguments.operands_));
  return arguments;
}

std::string help_text(const CommandInfo& command) {
  std::string text = fmt::format("{}\n\n  {}\n", command.summary, synopsis(command));
  if (!command.operands.empty()) text += '\n';
  for (const auto& operand : command.operands) {
    text += fmt::format("  {:<26}  {}\n", operand.name, operand.help);
  }
  text += fmt::format("\n{}{}", rows(command.options), rows(global));
  return text + fmt::format("\nExample:\n\n{}\n", command.example);
}

}  // namespace flyt::cli
