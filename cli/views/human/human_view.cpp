#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>
#include <mutex>

#include "cli/views/human/progress.hpp"
#include "cli/views/human/render.hpp"
#include "cli/views/output.hpp"
#include "cli/views/views.hpp"

namespace flyt::cli {
namespace {

class HumanView : public View {
 public:
  HumanView(const Terminal& terminal, const std::string& site)
      : terminal_(terminal), style_{terminal.colour, site} {}

  void error(std::string_view command, const Failure& failure) override {
    const std::string prefix = command.empty() ? "flyt" : fmt::format("flyt: {}", command);
    const Style style{style_.colour && isatty(STDERR_FILENO) == 1, style_.site};
    std::fputs(render_error(prefix, failure.error, style).c_str(), stderr);
  }
  void remark(std::string_view text) override { put(one_line(text) + '\n'); }
  void version(std::string_view version) override { put(fmt::format("flyt {}\n", version)); }
  void drivers(std::span<const DriverEntry> all) override { put(render_drivers(all, style_)); }
  void site_written(const std::filesystem::path& file, std::string_view id) override {
    put(
        fmt::format("wrote {} with the new site id {}\n"
                    "  next: fill in [endpoints], then: {}\n",
                    one_line(file.string()), id, style_.command({"check"})));
  }
  void inventory(const Inventory& inventory) override { put(render_inventory(inventory, style_)); }
  void inventory_saved(const Inventory& inventory, const std::filesystem::path& file) override {
    put(
        fmt::format("wrote {}: {} of {}\n"
                    "  next: in a site file, driver = \"saved\" with this file as path\n",
                    one_line(file.string()), count(inventory.machines.size(), "machine"),
                    one_line(inventory.endpoint)));
  }
  void check(const CheckReport& report) override { put(render_check(report, style_)); }
  void assessment(const Assessment& assessment) override {
    put(render_assessment(assessment, style_));
  }
  void csv(std::string_view lines) override { put(lines); }
  void explanation(std::string_view code, std::string_view text) override {
    std::string out = fmt::format("{}\n", style_.bold(code));
    for (const auto& line : wrap(text, widest_line - 2)) out += fmt::format("  {}\n", line);
    put(out);
  }
  void plan_written(const Plan& plan, const std::filesystem::path& file) override {
    put(render_plan_summary(plan, file.string(), style_));
  }
  void plan(const Plan& plan, const std::string& file, const std::string&) override {
    put(render_plan(plan, file, style_));
  }
  void report(const Report& report) override { put(render_report(report, style_)); }
  void undo(const UndoReport& report) override { put(render_undo(report, style_)); }

  std::unique_ptr<ApplyStatus> progress(const Plan& plan) override {
    auto display = make_progress_display(plan, terminal_);
    const std::lock_guard lock(mutex_);
    display_ = display.get();
    return std::make_unique<Shown>(*this, std::move(display));
  }
  void stopping() override {
    const std::string text =
        "stopping: finishing what is half written; again Ctrl-C leaves at once";
    const std::lock_guard lock(mutex_);
    if (display_ != nullptr) return display_->say(text);
    std::fputs((text + '\n').c_str(), stderr);
  }
  void end(ExitStatus) override {}

 private:
  // Forgets the display when the command is done with it.
  class Shown : public ApplyStatus {
   public:
    Shown(HumanView& view, std::unique_ptr<ProgressDisplay> display)
        : view_(view), display_(std::move(display)) {}
    ~Shown() override {
      const std::lock_guard lock(view_.mutex_);
      view_.display_ = nullptr;
    }
    void machine(const PlannedMachine& machine, MachineState state,
                 std::string_view what) override {
      display_->machine(machine, state, what);
    }
    ProgressSink& step(const PlannedMachine& machine, std::string_view step) override {
      return display_->step(machine, step);
    }

   private:
    HumanView& view_;
    std::unique_ptr<ProgressDisplay> display_;
  };

  const Terminal terminal_;
  const Style style_;
  std::mutex mutex_;
  ProgressDisplay* display_ = nullptr;
};

}  // namespace

std::unique_ptr<View> make_human_view(const Terminal& terminal, const std::string& site) {
  return std::make_unique<HumanView>(terminal, site);
}

}  // namespace flyt::cli
