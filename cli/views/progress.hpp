// What is going on in an apply, gathered from all its threads, for any look.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plans/executor.hpp"

namespace flyt::cli {

struct MachineProgress {
  std::string migration_id, name;
  MachineState state = MachineState::waiting;
  std::string step;                   // or why it waits
  std::uint64_t done = 0, total = 0;  // bytes of the running step or steps
  bool copies = false;                // those bytes are of a copy
  double rate = 0;                    // bytes per second, over the last seconds
};

struct ProgressSnapshot {
  std::vector<MachineProgress> machines;  // in plan order
  std::uint64_t done = 0, total = 0;      // bytes of all copies
  double rate = 0;                        // bytes per second, over the last seconds
};

// Bytes per second over the last seconds, from how far something is at each look.
class Speed {
 public:
  double at(std::uint64_t moved, std::chrono::steady_clock::time_point now);

 private:
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::uint64_t>> samples_;
};

// An ApplyStatus that counts; the looks derive from it and are told of what is new. Thread-safe.
class ProgressStatus : public ApplyStatus {
 public:
  explicit ProgressStatus(const Plan& plan);
  ~ProgressStatus() override;

  void machine(const PlannedMachine& machine, MachineState state, std::string_view what) override;
  ProgressSink& step(const PlannedMachine& machine, std::string_view step) override;
  ProgressSnapshot snapshot();

 protected:
  // Called without the lock, in the thread of the machine. An end is told once.
  virtual void on_machine(const MachineProgress&) {}
  virtual void on_note(const std::string& /*machine*/, std::string_view /*step*/,
                       std::string_view /*note*/) {}

 private:
  class Sink;
  struct Entry {
    MachineProgress shown;
    std::uint64_t planned = 0;  // bytes to copy, as the plan estimates
    std::map<std::string, std::unique_ptr<Sink>> sinks;
    std::string latest;  // name of the newest step
    Speed speed;
  };
  MachineProgress now(Entry& entry);

  std::mutex mutex_;
  std::vector<std::string> order_;
  std::map<std::string, Entry> entries_;
  Speed speed_;
};

}  // namespace flyt::cli
