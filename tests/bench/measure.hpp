// Times what a process does, and says it as a table or as JSON lines.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace flyt::bench {

struct Cost {
  double wall = 0, cpu = 0;  // seconds
  double peak_mib = 0;       // of memory
};

// Runs `work` in a process of its own. Throws std::runtime_error unless it returns true.
Cost in_child(const std::function<bool()>& work);
// In this process, which may start others; the CPU time of those counts that end meanwhile. No peak
// of memory. Throws as in_child().
Cost in_this_process(const std::function<bool()>& work);
// As in_child() for a program.
Cost of_program(const std::vector<std::string>& argv);

double median(std::vector<double> values);

struct Row {
  std::string name;
  double value = 0;
  std::string unit, goal;   // goal: ">= 1.0"; empty: reported only
  std::string detail = {};  // for people
};
void print(const Row& row, bool json);

// What a benchmark is asked for.
struct Wanted {
  bool quick = false;  // less of everything, one round: to see that it works
  std::string part;    // one of its parts; empty: all
  std::function<void(const Row&)> out;
};

}  // namespace flyt::bench
