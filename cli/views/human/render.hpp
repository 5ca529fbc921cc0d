// What people read, as text: one function for each thing a command has to say.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/views/human/text.hpp"
#include "cli/views/view.hpp"

namespace flyt::cli {

// "flyt: plan: web01: ..." and below it seen, why, state, do; each only where there is something.
std::string render_error(std::string_view prefix, const Error& error, const Style& style);
// The lines below the first, indented; also used inside reports.
std::string render_details(const Error& error, std::string_view indent, const Style& style);
// "do   ..." lines; a command keeps its own line and is never wrapped.
std::string render_remedy(std::span<const std::string> remedy, std::string_view indent,
                          const Style& style);

// The same for one sentence, which is wrapped, or one command, which is not.
std::string render_advice(std::string_view advice, std::string_view indent, const Style& style);

std::string render_drivers(std::span<const DriverEntry> all, const Style& style);
std::string render_inventory(const Inventory& inventory, const Style& style);
std::string render_check(const CheckReport& report, const Style& style);
std::string render_assessment(const Assessment& assessment, const Style& style);
// The worst first; a remedy that several share stands once, below the first.
std::string render_concerns(std::span<const Concern> concerns, const Style& style);
// How to ask about the worst that there is an explanation of. Empty: there is none.
std::string render_explain_hint(std::span<const Concern> concerns, const Style& style);
// A verdict in a table: "PASS DK", "FAIL", coloured.
std::string render_answer(const Verdict& verdict, const Style& style);
// "place     PASS  DK  stated by the site: ..."
std::string render_verdicts(std::span<const Verdict> verdicts, std::string_view indent,
                            const Style& style);
std::string render_plan_summary(const Plan& plan, const std::string& file, const Style& style);
std::string render_plan(const Plan& plan, const std::string& file, const Style& style);
std::string render_report(const Report& report, const Style& style);
std::string render_undo(const UndoReport& report, const Style& style);

}  // namespace flyt::cli
