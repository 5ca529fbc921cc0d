// Which steps there are and which may run now. Pure bookkeeping: nothing is done here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plans/until.hpp"

namespace flyt {

enum class StepKind : std::uint8_t {
  check,
  create,
  track,  // the source's change tracking is switched on
  view,
  copy,
  rest,   // the view is dropped: until the copies are brought up to date
  stop,   // the source is shut down, where it runs
  last,   // a view of the source that runs no more
  delta,  // what has changed since the copies
  convert,
  commit,
  land,  // what was written is brought to where its machine reads it
  shape,
  bytes,
  introduce,  // the guest is started beside the controllers that it will have
  boot,
  publish,  // in place of `boot`, of what is never started
  ground,
  enrol,  // what the site asks for of a machine that lives: start at boot, backup jobs ...
  clean,
};

// Once one of these is begun the copy is its users': nothing but itself writes to it any more.
inline constexpr std::array<std::string_view, 3> handing_over{"introduce", "boot", "publish"};
bool hands_over(std::string_view key);

// The kind of the step that is journaled as `key`; nothing: not one of these.
std::optional<StepKind> kind_of(std::string_view key);

struct Step {
  std::size_t machine = 0;  // index in the plan
  StepKind kind = StepKind::check;
  std::size_t disk = 0;  // copy, delta and commit only
  std::string key;       // as journaled: "copy:0"; unique in the machine
};

// Steps of all machines with what each waits for. One thread at a time.
class StepGraph {
 public:
  struct Machine {
    std::size_t disks = 0;
    bool cutover =
        false;  // the source may run while it is copied: it is shut down, and synced last
    bool track = false;
    bool convert = false;
    bool introduce = false;
    bool land = false;
    bool starts = true;  // PlannedMachine::starts()
    bool shaped = true;  // it is a machine, which has more than its disks
    Until until = Until::landed;
    bool enrol = false;
  };
  // The steps of one machine.
  void add_machine(std::size_t machine, const Machine& what);

  // A step whose predecessors are done, within the limits; it then counts as running.
  // Machines begin in the order in which they were added.
  std::optional<Step> find_work(std::size_t machines_at_once, std::size_t disks_at_once);
  // REQUIRES: `step` came from find_work() and has not been finished.
  void finished(const Step& step, bool success);
  // Nothing of this machine begins any more.
  void give_up(std::size_t machine);

  bool running() const;  // any step
  bool running(std::size_t machine) const;
  bool over(std::size_t machine) const;      // no step runs or will
  bool complete(std::size_t machine) const;  // all its steps succeeded

 private:
  enum class State : std::uint8_t { waiting, running, done, failed, dropped };
  struct Node {
    Step step;
    State state = State::waiting;
    std::vector<std::size_t> after;  // indices of nodes
  };
  std::size_t add(Step step, std::vector<std::size_t> after);
  bool ready(const Node& node) const;
  bool begun(std::size_t machine) const;
  std::size_t machines_in_work() const;
  std::size_t disks_in_work() const;

  std::vector<Node> nodes_;
};

}  // namespace flyt
