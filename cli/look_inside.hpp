// Looking into the disks of machines that are off: flyt assess --deep.
#pragma once

#include <string>
#include <vector>

#include "drivers/driver.hpp"

namespace flyt::cli {

// What is found inside `machine`. Where nobody can look (it runs, a disk is one sequence, the
// appliance does not start), that is the concern. Only reads; takes no view.
std::vector<Concern> look_inside(Driver& driver, const Machine& machine, const Call& call);

}  // namespace flyt::cli
