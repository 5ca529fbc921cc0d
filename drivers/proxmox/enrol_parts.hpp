// One kind after the other of what a machine is enrolled in. Each has a look that changes nothing
// and fails where something is missing, an act that leaves alone what is so already, and a reading
// back.
#pragma once

#include <string>
#include <vector>

#include "base/enrolment.hpp"
#include "drivers/proxmox/api.hpp"
#include "drivers/proxmox/inventory.hpp"

namespace flyt::proxmox {

struct Enrolling {
  Context& context;
  const MachineFacts& facts;
  const Enrolment& wanted;
  const Cluster& cluster;  // its version and nodes
  const Call& call;

  Api& api() const { return context.api; }
  const MachineHere& here() const { return facts.here; }
  std::string sid() const { return "vm:" + facts.here.vmid; }
  Error missing(std::string_view kind, const std::string& name, std::string remedy) const;
};

// Its disks can be replicated to another node that has it.
bool is_replicable(const StorageFacts& storage);

// Rows of a list by the name that stands in `key`; null: there is none.
const Row* find_row(const std::vector<Row>& rows, std::string_view key, const std::string& name);

// Start at boot, and the firewall with its mark on each network card.
Status look_for_firewall(const Enrolling& in);
Status set_firewall(const Enrolling& in);
Status set_options(const Enrolling& in);
Status read_options(const Enrolling& in, Enrolment& seen);
Status read_firewall(const Enrolling& in, Enrolment& seen);

Status look_for_jobs(const Enrolling& in);
Status join_jobs(const Enrolling& in);
Status read_jobs(const Enrolling& in, Enrolment& seen);

Status look_for_replica(const Enrolling& in);
Status replicate(const Enrolling& in);
Status read_replica(const Enrolling& in, Enrolment& seen);
Status end_replication(Context& context, const MachineHere& here, const Call& call);

Status look_for_ha(const Enrolling& in);
Status make_available(const Enrolling& in);
Status read_ha(const Enrolling& in, Enrolment& seen);
Status end_ha(Context& context, const MachineHere& here, const Call& call);

}  // namespace flyt::proxmox
