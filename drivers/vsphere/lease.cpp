#include "drivers/vsphere/lease.hpp"
namespace flyt::vsphere {
Result<std::unique_ptr<Channel>> open_lease(Session&, const LeaseSpec& spec, const Call&) {
  return Error{Errc::unsupported, spec.what + ": export leases are not built in yet"};
}
}  // namespace flyt::vsphere
