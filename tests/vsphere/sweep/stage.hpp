// Whole migrations out of the lab's vSphere, one after another, each with one trouble on its way.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/memory/world.hpp"
#include "plans/executor.hpp"
#include "tests/vsphere/vsphere_lab.hpp"

namespace flyt::tests {

// A machine of the lab, and how it is moved.
struct Scenario {
  std::string name, machine;
  std::string transport;    // as the endpoint's key
  bool runs = false;        // and writes while it is copied
  bool track = false;       // flyt may switch change tracking on
  bool warm_first = false;  // the trouble comes while it is kept warm
};
const std::vector<Scenario>& scenarios();

// A request to the control interface.
struct Act {
  std::string method, path;
  nlohmann::json body;
};

// What goes wrong once in a migration.
struct Trouble {
  std::string name;
  std::vector<nlohmann::json> faults;
  std::string door;             // where `acts` are done: "reading copy:0", "after intent of stop"
  std::vector<Act> acts;        // of another administrator, or of the server
  std::vector<Act> soon;        // half a second later
  std::vector<Act> cleared;     // before the next apply, as the faults are
  std::vector<Act> afterwards;  // what the other administrator has left is taken away at the end
  bool switches = false;        // somebody else has the machine's power in hand
  bool keeps_sessions = false;  // nobody could log out, or give up a lease
  bool slow = false;            // what is read in ranges is tried again for a minute
  bool distrust = false;        // apply --distrust-tracking
  std::string recorded;         // what a line of the outcome's record has to say
};

enum class Ending { resume, undo };

// What a migration has done until its first apply ended.
struct Seen {
  std::map<std::string, std::int64_t> counters;
  std::vector<std::string> doors;  // in order
};

class Stage {
 public:
  // Errc::unsupported: this system cannot build the lab.
  static Result<std::unique_ptr<Stage>> open();

  Seen rehearse(const Scenario& scenario);
  struct Played {
    std::vector<std::string> wrong;  // all that is not as it must be, a line each
    bool happened = false;           // the trouble was met with
  };
  Played play(const Scenario& scenario, const Trouble& trouble, Ending ending);

 private:
  friend class Play;
  Stage() = default;
  Status start();
  const Plan& plan_of(const Scenario& scenario);

  std::unique_ptr<VsphereLab> lab_;
  TempDir folder_;
  int plays_ = 0;
  std::map<std::string, Plan> plans_;  // by scenario
};

}  // namespace flyt::tests
