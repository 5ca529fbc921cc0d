// One migration with one trouble, from an untouched source to a landed machine, or back again.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/vsphere/sweep/stage.hpp"

namespace flyt::tests {

memory::World target_world();
// `folder`: of the state and the target.
Site site_of(const VsphereLab& lab, const Scenario& scenario, const std::filesystem::path& folder);
// As the program opens it, but that it soon tries again.
std::unique_ptr<Driver> open_source(const Site& site);

class Play {
 public:
  Play(Stage& stage, const Scenario& scenario, Trouble trouble);
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;
  ~Play();

  std::vector<std::string> run(Ending ending);
  Seen seen() const { return {counters_, doors_}; }
  bool happened() const { return happened_; }

 private:
  class Status;
  struct Crewed;

  void arm();
  void clear();
  void put_back();
  MachineOutcome apply(Until until);
  void undo();
  void resume(Until until, MachineState wanted);
  void note_door(const std::string& door);
  void write_as_guest();
  void ask(const Act& act);
  nlohmann::json state();
  bool source_runs();
  std::vector<Machine> made() const;

  void check_after();
  void check_left_off(bool copy_runs);
  void check_warm();
  void check_equal();
  void check_landed();
  void check_undone();
  void check_source(bool power_may_differ);
  void check_recorded();
  template <typename... Parts>
  void complain(const char* format, const Parts&... parts);

  Stage& stage_;
  VsphereLab& lab_;
  const Scenario& scenario_;
  const Trouble trouble_;
  const std::filesystem::path folder_;
  const Plan& plan_;
  const Site site_;
  const memory::WorldFolder target_;

  std::mutex mutex_;
  std::vector<std::string> wrong_;
  std::vector<std::string> doors_;
  std::map<std::string, std::int64_t> counters_;
  bool armed_ = false, acted_ = false, happened_ = false;
  MachineOutcome outcome_;
  std::atomic<int> seed_;  // of what its guest writes: never the same again
  std::jthread later_;
};

}  // namespace flyt::tests
