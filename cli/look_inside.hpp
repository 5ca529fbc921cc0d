// Looking into the disks of machines that are off: flyt assess --deep and flyt plan --deep.
#pragma once

#include <cstdint>
#include <vector>

#include "base/inside.hpp"
#include "cli/attempt.hpp"
#include "cli/session.hpp"
#include "drivers/driver.hpp"

namespace flyt::cli {

enum class Telling : std::uint8_t { each, nothing };

// What is found inside each of `machines`, one after the other; templates are passed over. Where
// nobody can look (it runs, a disk is one sequence, the appliance does not start), that is the
// concern. Only reads; takes no view. `each`: a remark for every machine says how long it took.
Attempt<InsideById> look_inside(const EndpointConfig& endpoint,
                                const std::vector<const Machine*>& machines, Telling telling,
                                Session& session);

}  // namespace flyt::cli
