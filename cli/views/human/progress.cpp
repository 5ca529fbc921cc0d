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

std::string amounts(std::uint64_t done, std::uint64_t total) {
  return fmt::format("{} of {}", format_size(done), format_size(total));
}

std::string time_left(std::uint64_t done, std::uint64_t total, double rate) {
  const auto left =
      std::chrono::seconds(static_cast<std::int64_t>(static_cast<double>(total - done) / rate) + 1);
  return fmt::format("about {}", format_duration(left));
}

// Of a line, with the space before it. What may go first, when the line is too long, has the
// highest rank.
struct Part {
  std::string text;
  int rank = 0;
};

std::string fitted(std::vector<Part> parts, std::size_t width) {
  const auto joined = [&] {
    std::string line;
    for (const auto& part : parts) line += part.text;
    return line;
  };
  const auto least = [&] {
    return std::max_element(parts.begin(), parts.end(),
                            [](const Part& a, const Part& b) { return a.rank < b.rank; });
  };
  while (parts.size() > 1 && width_of(joined()) > width) parts.erase(least());
  return shorten(joined(), width);
}

// Percent, rate and time left are what a narrow terminal keeps.
void add_bytes(std::vector<Part>& parts, std::uint64_t done, std::uint64_t total, double rate,
               const Style& style) {
  parts.push_back({style.cyan(bar(done, total)) + ' ', 4});
  parts.push_back({fmt::format("{:>3} %", percent(done, total)), 0});
  parts.push_back({"   " + amounts(done, total), 3});
  if (rate < 1 || done >= total) return;
  parts.push_back({"   " + format_rate(rate), 2});
  parts.push_back({"   " + time_left(done, total, rate), 1});
}

std::string machine_line(const MachineProgress& machine, std::size_t name_width, const Style& style,
                         std::size_t width) {
  std::vector<Part> parts = {
      {fmt::format("  {} ", pad(shorten(one_line(machine.name), name_width), name_width))}};
  const bool moves = machine.state == MachineState::running && machine.total > 0;
  if (moves) {
    add_bytes(parts, machine.done, machine.total, machine.rate, style);
  } else {
    parts.push_back({std::string(to_string(machine.state))});
  }
  // Bytes say more than the step's name; what a machine waits for or failed with says most.
  parts.push_back({"   " + one_line(machine.step), moves ? 5 : 0});
  return fitted(std::move(parts), width);
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
      std::string line = fmt::format("copied {} %: {}", percent(now.done, now.total),
                                     amounts(now.done, now.total));
      if (now.rate >= 1 && now.done < now.total) {
        line += fmt::format("   {}   {}", format_rate(now.rate),
                            time_left(now.done, now.total, now.rate));
      }
      say(line);
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
  std::vector<Part> total;
  add_bytes(total, now.done, now.total, now.rate, style);
  std::vector<std::string> lines = {fitted(std::move(total), width)};
  std::size_t name_width = 5, hidden = 0;
  constexpr std::size_t least_name = 5, beside_name = 36;  // percent, rate and time left
  const std::size_t most_name =
      std::clamp<std::size_t>(width - std::min(width, beside_name), least_name, 24);
  for (const auto& machine : now.machines) {
    name_width = std::clamp(width_of(one_line(machine.name)), name_width, most_name);
  }
  for (const auto& machine : now.machines) {
    if (machine.state == MachineState::waiting && machine.step.empty()) continue;
    if (lines.size() > most_machines) {
      ++hidden;
      continue;
    }
    lines.push_back(machine_line(machine, name_width, style, width));
  }
  if (hidden > 0) lines.push_back(fmt::format("  and {} more", hidden));
  return lines;
}

std::unique_ptr<ProgressDisplay> make_progress_display(const Plan& plan, const Terminal& terminal) {
  if (terminal.live) return std::make_unique<LiveDisplay>(plan, terminal);
  return std::make_unique<PlainDisplay>(plan);
}

}  // namespace flyt::cli
