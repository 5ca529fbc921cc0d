#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.hpp"
#include "cli/commands/commands.hpp"
#include "cli/concern_kinds.hpp"
#include "cli/endpoints.hpp"
#include "cli/look_inside.hpp"
#include "cli/session.hpp"
#include "cli/views/csv/csv.hpp"
#include "movers/convert/windows_tools.hpp"
#include "planners/concerns.hpp"
#include "planners/planner.hpp"

namespace flyt::cli {
namespace {

constexpr std::array operand_table{
    OperandInfo{"ENDPOINT", "whose machines (default: of all that can be read)", false, true},
};
constexpr std::array option_table{
    OptionInfo{"deep", 0, "", "also looks into the disks of machines that are off; takes minutes"},
    OptionInfo{"explain", 0, "CODE", "what a concern means and what can be done about it"},
    OptionInfo{"csv", 0, "", "a table for spreadsheets: a line for each machine and concern"},
};

struct Options {
  std::optional<std::string> explain;
  std::vector<std::string> endpoints;
  bool deep = false, csv = false;
};

Outcome explain_code(std::string code, Session& session) {
  std::transform(code.begin(), code.end(), code.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  if (const ConcernKind* kind = find_concern_kind(code)) {
    session.view().explanation(code, explain(*kind));
    return ExitStatus::done;
  }
  Error error{.code = Errc::invalid,
              .what = fmt::format("there is no concern {:?}", code),
              .state = "nothing was done"};
  if (const auto near = nearest(code, concern_codes()); !near.empty()) {
    error.remedy.push_back(fmt::format("write {}", near));
  }
  error.remedy.emplace_back("flyt assess");
  return failure(std::move(error), Origin::setup);
}

Assessment assess_all(const Site& site, const Inventory& inventory, const InsideById& inside) {
  const Circumstances known{inventory.endpoint, inventory.can_cut_over, missing(windows_tools())};
  Assessment found;
  found.endpoint = inventory.endpoint;
  for (const auto& machine : inventory.machines) {
    if (machine.is_template) continue;
    const auto its = inside.find(machine.id);
    found.all.push_back(
        {&machine, assess(site, known, machine, its == inside.end() ? nullptr : &its->second)});
  }
  return found;
}

Attempt<std::vector<std::string>> readable(const Site& site, const Call& call) {
  std::vector<std::string> names;
  if (!site.from.empty()) return std::vector<std::string>{site.from};
  for (const auto& [name, endpoint] : site.endpoints) {
    FLYT_ASSIGN(const auto driver, open_endpoint(endpoint, Access::work, call));
    if (is_source(driver->info())) names.push_back(name);
  }
  return names;
}

Failure one_look() {
  return failure({.code = Errc::invalid,
                  .what = "--csv and --json are two ways to say the same",
                  .state = "nothing was done",
                  .remedy = {"flyt assess --csv", "flyt assess --json"}},
                 Origin::setup);
}

Outcome run(const Arguments& arguments, Session& session) {
  Options options{arguments.text("explain"), arguments.operands(), arguments.has("deep"),
                  arguments.has("csv")};
  if (options.csv && arguments.has("json")) return one_look();
  if (options.explain) return explain_code(*options.explain, session);
  FLYT_ASSIGN(const auto site, session.site());
  if (options.endpoints.empty()) {
    FLYT_ASSIGN(options.endpoints, readable(site, session.call()));
  }
  std::string table = options.csv ? assessment_csv_header() : std::string();
  for (const auto& name : options.endpoints) {
    FLYT_ASSIGN(const auto* const endpoint, find_endpoint(site, name));
    FLYT_ASSIGN(const auto source, read_inventory(*endpoint, session.call()));
    InsideById inside;
    if (options.deep) {
      std::vector<const Machine*> all;
      for (const Machine& machine : source.machines) all.push_back(&machine);
      // A table is not to have remarks in it.
      const Telling telling = options.csv ? Telling::nothing : Telling::each;
      FLYT_ASSIGN(inside, look_inside(*endpoint, all, telling, session));
    }
    const Assessment assessment = assess_all(site, source, inside);
    if (options.csv) table += assessment_csv(assessment);
    if (!options.csv) session.view().assessment(assessment);
  }
  if (options.csv) session.view().csv(table);
  return ExitStatus::done;
}

}  // namespace

const CommandInfo assess_command{
    .name = "assess",
    .summary = "Lists what speaks against moving each machine, and what to do about it.",
    .operands = operand_table,
    .options = option_table,
    .example =
        "  flyt assess vcenter\n  flyt assess vcenter --deep\n  flyt assess --csv > "
        "assessment.csv\n  flyt assess --explain V-VTPM",
    .run = run,
};

}  // namespace flyt::cli
