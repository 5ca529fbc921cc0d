// Making, changing, switching and watching machines.
#pragma once

#include <memory>
#include <string>

#include "drivers/driver.hpp"
#include "drivers/proxmox/context.hpp"
#include "drivers/proxmox/inventory.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::proxmox {

Result<Machine> create(Context& context, const MachineSpec& spec, const Call& call);
Result<Machine> update(Context& context, const std::string& id, const MachineSpec& spec,
                       const Call& call);
Status destroy(Context& context, const std::string& id, const Owner& owner, const Call& call);
// Makes a template of it. Idempotent.
Result<Machine> make_template(Context& context, const std::string& id, const MachineSpec& spec,
                              const Call& call);

Status set_power(Context& context, const std::string& id, Driver::PowerChange change,
                 const Call& call);
// Of a machine with a serial console. Where nobody listens yet, somebody does from now on: what was
// said before is lost.
Result<ConsoleText> console(Context& context, const std::string& id, const std::string& after,
                            const Call& call);
Result<Observation> observe(Context& context, const std::string& id, const Call& call);

Result<std::unique_ptr<Channel>> open_disk(Context& context, const OpenSpec& spec,
                                           const Call& call);

// Where its node sees it. `disk`: Disk::uuid is the volume's id. `landing`: all but path and size;
// its format where it is not what the storage tells; `snapshot` also of block storage.
Result<std::unique_ptr<Channel>> open_at(Context& context, const std::string& node,
                                         const Disk& disk, LandingDisk landing, const Call& call);

// The host where a node's disks are reached, as the site says; the same one for all calls, since
// short commands share a connection of it. Errc::unsupported: the site says no way.
Result<LandingHost> landing_of(Context& context, const std::string& node, const Call& call);

// Ends what an older flyt process still has open of the machine's disks; Errc::denied: a newer one
// has.
Status fence(Context& context, const MachineFacts& facts, const Owner& owner, const Call& call);

}  // namespace flyt::proxmox
