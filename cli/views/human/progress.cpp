#include "cli/views/human/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/units.hpp"
#include "cli/views/human/text.hpp"
#include "cli/views/output.hpp"

namespace flyt::cli {
namespace {

constexpr std::size_t bar_columns = 20, most_machines = 12;
constexpr std::chrono::milliseconds redraw{200};
constexpr std::chrono::seconds plain_pause{10};

std::string bar(std::uint64_t done, std::uint64_t total) {
  const double part = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const auto full = std::min(bar_columns, static_cast<std::size_t>(part * bar_columns));
  std::string text;
  for (std::size_t at = 0; at < bar_columns; ++at) text += at < full ? "█" : "░";
  return text;
}

unsigned percent(std::uint64_t done, std::uint64_t total) {
  if (total == 0) return 0;
  return static_cast<unsigned>(100.0 * static_cast<double>(done) / static_cast<double>(total));
}

std::string amounts(const ProgressSnapshot& now) {
  std::string text = fmt::format("{} of {}", format_size(now.done), format_size(now.total));
  if (now.rate < 1 || now.done >= now.total) return text;
  const auto left = std::chrono::seconds(
      static_cast<std::int64_t>(static_cast<double>(now.total - now.done) / now.rate) + 1);
  return text + fmt::format("   {}   about {}", format_rate(now.rate), format_duration(left));
}

std::string machine_line(const MachineProgress& machine, std::size_t name_width,
                         const Style& style) {
  const std::string name = pad(shorten(one_line(machine.name), name_width), name_width);
  if (machine.state == MachineState::running && machine.total > 0) {
    return fmt::format("  {} {} {:>3} %   {} of {}   {}", name,
                       style.cyan(bar(machine.done, machine.total)),
                       percent(machine.done, machine.total), format_size(machine.done),
                       format_size(machine.total), one_line(machine.step));
  }
  return fmt::format("  {} {}   {}", name, to_string(machine.state), one_line(machine.step));
}

class PlainDisplay : public ProgressDisplay {
 public:
  explicit PlainDisplay(const Plan& plan)
      : ProgressDisplay(plan), ticker_([this](const std::stop_token& end) { tick(end); }) {}
  ~PlainDisplay() override {
    ticker_.request_stop();
    ticker_.join();
  }

  void say(const std::string& line) override {
    const std::lock_guard lock(output_);
    put(line + '\n');
  }

 protected:
  void on_machine(const MachineProgress& machine) override {
    say(one_line(fmt::format("{}: {}{}{}", short_name(machine.name), to_string(machine.state),
                             machine.step.empty() ? "" : ": ", machine.step)));
  }
  void on_note(const std::string& machine, std::string_view step, std::string_view note) override {
    say(one_line(fmt::format("{}: {}: {}", short_name(machine), step, note)));
  }

 private:
  void tick(const std::stop_token& end) {
    std::unique_lock lock(waiting_);
    std::uint64_t said = 0;
    while (!pause_.wait_for(lock, end, plain_pause, [] { return false; }) &&
           !end.stop_requested()) {
      const auto now = snapshot();
      if (now.done == said) continue;
      said = now.done;
      say(fmt::format("copied {} %: {}", percent(now.done, now.total), amounts(now)));
    }
  }

  std::mutex output_, waiting_;
  std::condition_variable_any pause_;
  std::jthread ticker_;  // last: uses all above
};

class LiveDisplay : public ProgressDisplay {
 public:
  LiveDisplay(const Plan& plan, const Terminal& terminal)
      : ProgressDisplay(plan),
        style_{terminal.colour},
        width_(terminal.width),
        painter_([this](const std::stop_token& end) { paint(end); }) {}
  ~LiveDisplay() override {
    painter_.request_stop();
    painter_.join();
    const std::lock_guard lock(output_);
    put(erase());
  }

  void say(const std::string& line) override {
    const std::lock_guard lock(output_);
    put(erase() + line + '\n');
  }

 protected:
  void on_machine(const MachineProgress& machine) override {
    if (machine.state == MachineState::running || machine.state == MachineState::waiting) return;
    say(one_line(fmt::format("{}: {}{}{}", short_name(machine.name), to_string(machine.state),
                             machine.step.empty() ? "" : ": ", machine.step)));
  }
  void on_note(const std::string& machine, std::string_view step, std::string_view note) override {
    say(one_line(fmt::format("{}: {}: {}", short_name(machine), step, note)));
  }

 private:
  // Back to the first line of what was drawn, and nothing below.
  std::string erase() {
    const auto lines = std::exchange(drawn_, 0);
    return lines == 0 ? "" : fmt::format("\x1b[{}A\r\x1b[J", lines);
  }

  void paint(const std::stop_token& end) {
    std::unique_lock lock(waiting_);
    do {
      const auto lines = render_progress(snapshot(), style_, width_);
      const std::lock_guard output(output_);
      std::string text = erase();
      for (const auto& line : lines) text += line + '\n';
      drawn_ = lines.size();
      put(text);
    } while (!pause_.wait_for(lock, end, redraw, [] { return false; }) && !end.stop_requested());
  }

  const Style style_;
  const std::size_t width_;
  std::mutex output_, waiting_;
  std::condition_variable_any pause_;
  std::size_t drawn_ = 0;
  std::jthread painter_;  // last: uses all above
};

}  // namespace

std::vector<std::string> render_progress(const ProgressSnapshot& now, const Style& style,
                                         std::size_t width) {
  std::vector<std::string> lines = {
      shorten(fmt::format("{} {:>3} %   {}", style.cyan(bar(now.done, now.total)),
                          percent(now.done, now.total), amounts(now)),
              width)};
  std::size_t name_width = 8, hidden = 0;
  for (const auto& machine : now.machines) {
    name_width = std::clamp(width_of(one_line(machine.name)), name_width, std::size_t{24});
  }
  for (const auto& machine : now.machines) {
    if (machine.state == MachineState::waiting && machine.step.empty()) continue;
    if (lines.size() > most_machines) {
      ++hidden;
      continue;
    }
    lines.push_back(shorten(machine_line(machine, name_width, style), width));
  }
  if (hidden > 0) lines.push_back(fmt::format("  and {} more", hidden));
  return lines;
}

std::unique_ptr<ProgressDisplay> make_progress_display(const Plan& plan, const Terminal& terminal) {
  if (terminal.live) return std::make_unique<LiveDisplay>(plan, terminal);
  return std::make_unique<PlainDisplay>(plan);
}

}  // namespace flyt::cli
