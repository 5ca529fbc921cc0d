// Volumes without a machine: files in pools, made and handed over on the host, since libvirt's own
// volumes have no other name than their file's.
#pragma once

#include <memory>
#include <string>

#include "drivers/driver.hpp"

namespace flyt::virt {

struct Context;

// Of the machine's place: as the driver's methods of the same names, for ids of bare_id().
Result<Machine> create_bare(Context& context, const MachineSpec& spec, const Call& call);
Result<Machine> publish_bare(Context& context, const MachineSpec& spec, const Call& call);
Status destroy_bare(Context& context, const std::string& id, const Owner& owner, const Call& call);
Result<std::unique_ptr<Channel>> open_bare(Context& context, const OpenSpec& spec,
                                           const Call& call);

// The stand-in of one volume. Errc::not_found.
Result<Machine> find_bare(Context& context, const std::string& id, const Call& call);
// The stand-in of what the migration made; nothing: it made none, or it is gone.
Result<std::optional<Machine>> made_bare(Context& context, const std::string& migration_id,
                                         const Call& call);

}  // namespace flyt::virt
