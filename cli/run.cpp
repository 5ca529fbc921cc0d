#include "cli/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

#include "base/units.hpp"
#include "base/version.hpp"
#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/signals.hpp"
#include "cli/terminal.hpp"
#include "cli/views/output.hpp"
#include "cli/views/views.hpp"

namespace flyt::cli {
namespace {

constexpr std::string_view default_site = "flyt.toml";

constexpr std::array version_option{OptionInfo{"version", 'V', "", "which flyt this is"}};
// What may stand where a command is missing.
constexpr CommandInfo no_command{.name = "",
                                 .summary = "",
                                 .operands = {},
                                 .options = version_option,
                                 .example = "",
                                 .run = nullptr};

// A command line, before the command's own options are looked at.
struct Line {
  std::string command, site;       // site: what --site said
  std::vector<std::string> words;  // all others
  bool json = false, no_colour = false, help = false, version = false;
};

Line split(int argc, const char* const* argv) {
  constexpr std::string_view site_is = "--site=";
  Line line;
  bool value = false;  // the next word belongs to --site
  for (int at = 1; at < argc; ++at) {
    const std::string word = argv[at];
    if (value) line.site = word;
    if (word.starts_with(site_is)) line.site = word.substr(site_is.size());
    line.json = line.json || word == "--json";
    line.no_colour = line.no_colour || word == "--no-color";
    line.help = line.help || word == "--help" || word == "-h";
    const bool is_command = line.command.empty() && !value && !word.starts_with('-');
    value = word == "--site" && !value;
    if (is_command) {
      line.command = word;
    } else if ((word == "--version" || word == "-V") && line.command.empty()) {
      line.version = true;
    } else {
      line.words.push_back(word);
    }
  }
  return line;
}

// `flyt help [COMMAND]` is `flyt [COMMAND] --help`.
Line without_help_word(Line line) {
  if (line.command != "help") return line;
  line.help = true;
  const auto command = std::find_if(line.words.begin(), line.words.end(),
                                    [](const std::string& one) { return !one.starts_with('-'); });
  line.command = command == line.words.end() ? "" : *command;
  line.words = {"--help"};
  return line;
}

void print_help() {
  std::string text =
      "flyt moves virtual machines and proves where they landed.\n\n"
      "  flyt COMMAND [options]\n\n";
  for (const auto* command : all_commands()) {
    text += fmt::format("  {:<12}{}\n", command->name, command->summary);
  }
  text += "\n";
  for (const auto& option : global_options()) {
    const auto spelled = fmt::format("--{} {}", option.name, option.value);
    text += fmt::format("  {:<14}{}\n", spelled, option.help);
  }
  text += "  --version     which flyt this is (-V)\n\nExit status:\n\n";
  auto meanings = std::vector(exit_meanings().begin(), exit_meanings().end());
  std::sort(meanings.begin(), meanings.end(),
            [](const ExitMeaning& a, const ExitMeaning& b) { return a.status < b.status; });
  for (const auto& one : meanings) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(one.status), one.meaning);
  }
  put(text + "\nA first evening: flyt init, then flyt check.\n");
}

Failure unknown_command(const Line& line) {
  Error error{.code = Errc::invalid, .state = "nothing was done"};
  if (line.command.empty()) {
    if (auto given = parse_arguments(no_command, line.words); !given) {
      return failure(std::move(given).error(), Origin::setup);
    }
    error.what = "which command?";
  } else {
    error.what = fmt::format("there is no command {:?}", line.command);
    std::vector<std::string_view> known;
    for (const auto* command : all_commands()) known.push_back(command->name);
    if (const auto near = nearest(line.command, known); !near.empty()) {
      error.remedy.push_back(fmt::format("flyt {}", near));
    }
  }
  error.remedy.emplace_back("flyt --help");
  return failure(std::move(error), Origin::setup);
}

Outcome run_command(const CommandInfo& command, const Line& line, View& view) {
  FLYT_ASSIGN(const auto arguments, during(Origin::setup, parse_arguments(command, line.words)));
  if (arguments.has("help")) {
    put(help_text(command));
    return ExitStatus::done;
  }
  Signals signals([&view] { view.stopping(); });
  std::error_code error;
  const auto file =
      std::filesystem::absolute(arguments.text("site").value_or(std::string(default_site)), error);
  Session session(file, view, Call{.stop = signals.token()});
  return command.run(arguments, session);
}

// An exception here is a bug: ours or a library's.
Outcome guarded(const CommandInfo& command, const Line& line, View& view) {
  try {
    return run_command(command, line, view);
  } catch (const std::exception& error) {
    return Failure{{.code = Errc::internal,
                    .what = "this is a bug in flyt",
                    .seen = error.what(),
                    .state = "what was journaled is kept; the same command goes on",
                    .remedy = {"tell the makers of flyt what was typed, this text and the version:",
                               "flyt --version"}},
                   ExitStatus::failed};
  }
}

Outcome dispatch(const Line& line, View& view) {
  if (line.version) {
    view.version(version());
    return ExitStatus::done;
  }
  for (const auto* command : all_commands()) {
    if (command->name == line.command) return guarded(*command, line, view);
  }
  if (line.command.empty() && line.help) {
    print_help();
    return ExitStatus::done;
  }
  return unknown_command(line);
}

}  // namespace

int run(int argc, const char* const* argv) {
  const Line line = without_help_word(split(argc, argv));
  const auto look = look_at_terminal(line.no_colour);
  const auto view = line.json ? make_json_view() : make_human_view(look, line.site);
  const Outcome outcome = dispatch(line, *view);
  if (outcome) {
    view->end(*outcome);
  } else {
    view->error(line.command, outcome.error());
  }
  const ExitStatus status = outcome ? *outcome : outcome.error().status;
  const auto unsaid = output_error();
  if (!unsaid) return static_cast<int>(status);
  // Not as JSON: that would go the way that has failed.
  make_human_view(look, line.site)->error(line.command, {*unsaid, ExitStatus::failed});
  return static_cast<int>(worse(status, ExitStatus::failed));
}

}  // namespace flyt::cli
