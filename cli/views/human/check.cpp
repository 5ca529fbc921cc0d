#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/units.hpp"
#include "cli/views/human/render.hpp"

namespace flyt::cli {
namespace {

constexpr std::size_t state_column = 88;

std::size_t to_fix(const std::vector<Finding>& findings) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const Finding& one) { return one.must; }));
}

std::string render_findings(const std::vector<Finding>& findings, const Style& style) {
  std::string out;
  for (const auto& finding : findings) {
    std::string mark = finding.must ? style.red("✗") : style.yellow("!");
    for (const auto& line : wrap(one_line(finding.text), widest_line - 4)) {
      out += fmt::format("  {} {}\n", std::exchange(mark, " "), line);
    }
    out += render_remedy(finding.remedy, "      ", style);
  }
  return out;
}

std::string counts(const Inventory& inventory) {
  std::vector<std::string> parts;
  if (!inventory.hosts.empty()) parts.push_back(count(inventory.hosts.size(), "host"));
  parts.push_back(count(inventory.machines.size(), "machine"));
  std::uint64_t free = 0;
  bool known = false;
  for (const auto& storage : inventory.storages) {
    known = known || storage.free_bytes.has_value();
    free += storage.free_bytes.value_or(0);
  }
  if (known) parts.push_back(format_size(free) + " free");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string state_of(const EndpointCheck& check, const Style& style) {
  if (check.error) return style.red("fails");
  const auto faults = to_fix(check.findings);
  return faults == 0 ? style.green("ok") : style.red(fmt::format("{} to fix", faults));
}

std::string render_endpoint(const EndpointCheck& check, std::size_t name_width,
                            const Style& style) {
  const std::string indent(name_width + 3, ' ');
  const std::string about =
      check.inventory
          ? fmt::format("{}   {}", one_line(check.inventory->platform), counts(*check.inventory))
          : one_line(check.driver);
  std::string out =
      pad(fmt::format("{}   {}", pad(style.bold(short_name(check.endpoint)), name_width),
                      shorten(about, state_column - name_width - 5)),
          state_column);
  out += state_of(check, style) + '\n';
  if (check.inventory) {
    for (const auto& note : check.inventory->notes) {
      for (const auto& line : wrap(one_line(note), widest_line - indent.size())) {
        out += indent + line + '\n';
      }
    }
  }
  out += render_verdicts(check.ground, indent, style);
  if (check.error) {
    out += fmt::format("  {} {}\n{}", style.red("✗"), one_line(check.error->what),
                       render_details(*check.error, "      ", style));
  }
  return out + render_findings(check.findings, style);
}

}  // namespace

std::string render_check(const CheckReport& report, const Style& style) {
  std::size_t name_width = width_of("here");
  for (const auto& check : report.endpoints) {
    name_width = std::max(name_width, width_of(short_name(check.endpoint)));
  }
  std::string out;
  for (const auto& check : report.endpoints) out += render_endpoint(check, name_width, style);
  if (report.endpoints.empty()) out += "the site has no endpoints yet\n";
  const auto faults = to_fix(report.findings);
  out += pad(fmt::format("{}   site {}", pad(style.bold("here"), name_width),
                         report.site_name.empty() ? report.site_id : one_line(report.site_name)),
             state_column);
  out += (faults == 0 ? style.green("ok") : style.red(fmt::format("{} to fix", faults))) + '\n';
  out += fmt::format("{}state in {}\n", std::string(name_width + 3, ' '), one_line(report.state));
  return out + render_findings(report.findings, style);
}

}  // namespace flyt::cli
