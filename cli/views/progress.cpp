#include "cli/views/progress.hpp"

#include <algorithm>

namespace flyt::cli {
namespace {

constexpr std::chrono::seconds rate_window{10};

// docs/design.md, "Steps": "copy:0" is the copy of disk 0.
bool is_copy(std::string_view step) { return step.starts_with("copy"); }
bool is_end(MachineState state) {
  return state != MachineState::waiting && state != MachineState::running;
}
std::string_view kind_of(std::string_view step) { return step.substr(0, step.find(':')); }

}  // namespace

double Speed::at(std::uint64_t moved, std::chrono::steady_clock::time_point now) {
  // Less than before: another step, or the same one anew.
  if (!samples_.empty() && moved < samples_.back().second) samples_.clear();
  samples_.emplace_back(now, moved);
  while (samples_.size() > 2 && now - samples_.front().first > rate_window) samples_.pop_front();
  const std::chrono::duration<double> span = now - samples_.front().first;
  if (span.count() <= 0) return 0;
  return static_cast<double>(moved - samples_.front().second) / span.count();
}

class ProgressStatus::Sink : public ProgressSink {
 public:
  Sink(ProgressStatus& status, std::string machine, std::string step)
      : status_(status), machine_(std::move(machine)), step_(std::move(step)) {}

  void total(std::uint64_t bytes) override { total_ = bytes; }
  void advance(std::uint64_t bytes) override { done_ += bytes; }
  void note(std::string_view text) override { status_.on_note(machine_, step_, text); }
  void restart() { done_ = 0, total_ = 0; }

  std::uint64_t done() const { return done_; }
  std::uint64_t total_bytes() const { return total_; }

 private:
  ProgressStatus& status_;
  std::string machine_, step_;
  std::atomic<std::uint64_t> done_ = 0, total_ = 0;
};

ProgressStatus::ProgressStatus(const Plan& plan) {
  for (const auto& machine : plan.machines) {
    order_.push_back(machine.migration_id);
    Entry& entry = entries_[machine.migration_id];
    entry.shown.migration_id = machine.migration_id;
    entry.shown.name = machine.spec.name.empty() ? machine.source.name : machine.spec.name;
    entry.planned = machine.copy_bytes;
  }
}

ProgressStatus::~ProgressStatus() = default;

void ProgressStatus::machine(const PlannedMachine& machine, MachineState state,
                             std::string_view what) {
  MachineProgress shown;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[machine.migration_id];
    // The executor tells why a machine ended, and once more that it has.
    const bool told = is_end(state) && entry.shown.state == state;
    if (told && (what.empty() || what == entry.shown.step)) return;
    entry.shown.state = state;
    entry.shown.step = what;
    shown = now(entry);
  }
  on_machine(shown);
}

ProgressSink& ProgressStatus::step(const PlannedMachine& machine, std::string_view step) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[machine.migration_id];
  auto& sink = entry.sinks[std::string(step)];
  if (!sink) {
    sink = std::make_unique<Sink>(*this, entry.shown.name, std::string(step));
  } else {
    sink->restart();  // the same step, tried again
  }
  entry.latest = step;
  return *sink;
}

// The bytes of all steps of the kind that was begun last: the copies of all disks together.
MachineProgress ProgressStatus::now(Entry& entry) {
  MachineProgress shown = entry.shown;
  shown.copies = is_copy(entry.latest);
  for (const auto& [name, sink] : entry.sinks) {
    if (kind_of(name) != kind_of(entry.latest)) continue;
    shown.total += sink->total_bytes();
    shown.done += std::min(sink->done(), sink->total_bytes());
  }
  return shown;
}

ProgressSnapshot ProgressStatus::snapshot() {
  const std::lock_guard lock(mutex_);
  const auto now_at = std::chrono::steady_clock::now();
  ProgressSnapshot all;
  for (const auto& id : order_) {
    Entry& entry = entries_[id];
    std::uint64_t done = 0, total = 0;
    for (const auto& [name, sink] : entry.sinks) {
      if (!is_copy(name)) continue;
      total += sink->total_bytes();
      done += std::min(sink->done(), sink->total_bytes());
    }
    const bool over =
        entry.shown.state == MachineState::landed || entry.shown.state == MachineState::copied;
    all.total += total == 0 && !over ? entry.planned : total;
    all.done += done;
    all.machines.push_back(now(entry));
    all.machines.back().rate = entry.speed.at(all.machines.back().done, now_at);
  }
  all.rate = speed_.at(all.done, now_at);
  return all;
}

}  // namespace flyt::cli
