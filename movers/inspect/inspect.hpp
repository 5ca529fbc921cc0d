// Looking inside a machine's disks before anything is copied, through channels that only read.
#pragma once

#include <vector>

#include "base/channel.hpp"
#include "base/inside.hpp"
#include "base/machine.hpp"

namespace flyt {

struct InspectRequest {
  Machine machine;              // as the source described it
  std::vector<Channel*> disks;  // read channels of its disks, in bus order
  bool kvm = false;             // the appliance may use KVM
};

// What its guest will need or miss elsewhere, its concerns those of this machine, by libguestfs in
// a process and an appliance of its own. Errc::unsupported where a disk has no NBD;
// Errc::unavailable where the appliance does not start. Ends early, with an error, when stopped.
Result<Inside> inspect(const InspectRequest& request, const Call& call);

}  // namespace flyt
