// apply() and undo() in a process that kills itself.
#pragma once

#include <functional>

#include "tests/catch.hpp"
#include "tests/faults/plans/scene.hpp"

namespace flyt::tests {

// From one door to the next that kills. Sanitizers look for what no order of records changes.
inline constexpr int next_door = sanitized ? 8 : 1;

// Applies the scene's plan in a process of its own, which kills itself with SIGKILL at the
// `kill_at`th door (ApplyOptions::at_step); 0: never. Its exit status.
int apply_in_child(const Scene& scene, int kill_at, Until until = Until::landed);
// Undoes it, the target too, in such a process, which does so before the `kill_at`th call of a
// driver.
int undo_in_child(const Scene& scene, int kill_at);
bool killed(int status);
// At every third door: applies and kills, applies to the end, checks that and what `check` does,
// and undoes all. There are more than `least` doors.
void kill_at_third_doors(const Scene& scene, int least, const std::function<void()>& check);
// Applies and kills, at one door after the other, until a source was shut down.
void kill_once_down(const Scene& scene);

}  // namespace flyt::tests
