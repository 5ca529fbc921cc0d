// Making, changing, removing, switching and watching machines, and opening their disks.
#pragma once

#include "drivers/driver.hpp"

namespace flyt::virt {

struct Context;

Result<Machine> create(Context& context, const MachineSpec& spec, const Call& call);
Result<Machine> update(Context& context, const std::string& id, const MachineSpec& spec,
                       const Call& call);
// The machine, where it is there, and all volumes of the migration. Errc::denied, with nothing
// removed: another machine has one of them.
Status destroy(Context& context, const std::string& id, const Owner& owner, const Call& call);
Status set_power(Context& context, const std::string& id, Driver::PowerChange change,
                 const Call& call);
Result<Observation> observe(Context& context, const std::string& id, const Call& call);
Result<ConsoleText> console(Context& context, const std::string& id, const std::string& after,
                            const Call& call);
Result<std::unique_ptr<Channel>> open_disk(Context& context, const OpenSpec& spec,
                                           const Call& call);

}  // namespace flyt::virt
