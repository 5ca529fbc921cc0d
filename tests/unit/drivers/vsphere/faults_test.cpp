#include "drivers/vsphere/faults.hpp"

#include <map>

#include "tests/catch.hpp"

namespace flyt::vsphere {

TEST_CASE("every fault has a code by what its caller may do", "[vsphere]") {
  const std::map<std::string, Errc> meanings = {
      {"AlreadyExists", Errc::exists},
      {"CannotAccessFile", Errc::denied},
      {"DuplicateName", Errc::exists},
      {"FileAlreadyExists", Errc::exists},
      {"FileLocked", Errc::unavailable},
      {"FileNotFound", Errc::not_found},
      {"HostNotConnected", Errc::unavailable},
      {"HostNotReachable", Errc::unavailable},
      {"InvalidArgument", Errc::invalid},
      {"InvalidDatastore", Errc::invalid},
      {"InvalidDatastorePath", Errc::invalid},
      {"InvalidLocale", Errc::invalid},
      {"InvalidLogin", Errc::denied},
      {"InvalidName", Errc::invalid},
      {"InvalidPowerState", Errc::unavailable},
      {"InvalidProperty", Errc::unsupported},
      {"InvalidRequest", Errc::invalid},
      {"InvalidSnapshotFormat", Errc::unsupported},
      {"InvalidState", Errc::unavailable},
      {"InvalidType", Errc::invalid},
      {"ManagedObjectNotFound", Errc::not_found},
      {"MethodNotFound", Errc::unsupported},
      {"MultipleSnapshotsNotSupported", Errc::unsupported},
      {"NoDiskSpace", Errc::unavailable},
      {"NoPermission", Errc::denied},
      {"NotAuthenticated", Errc::denied},
      {"NotFound", Errc::not_found},
      {"NotSupported", Errc::unsupported},
      {"RequestCanceled", Errc::unavailable},
      {"RestrictedVersion", Errc::unsupported},
      {"SnapshotIncompatibleDeviceInVm", Errc::unsupported},
      {"TaskInProgress", Errc::unavailable},
      {"Timedout", Errc::timed_out},
      {"ToolsUnavailable", Errc::unavailable},
      {"TooManySnapshotLevels", Errc::unsupported},
      {"GenericVmConfigFault", Errc::unavailable},
      {"NobodyKnowsThisFault", Errc::unavailable},
      {"Zzz", Errc::unavailable},
      {"", Errc::unavailable}};
  for (const auto& [type, code] : meanings) {
    INFO(type);
    const Error error = error_of({type, "It did not work.", ""}, "web01: taking the snapshot x");
    CHECK(error.code == code);
    CHECK(error.what == "web01: taking the snapshot x");
    CHECK(error.seen.find("It did not work.") == 0);
    CHECK(error.seen.find(type) != std::string::npos);
  }
}

TEST_CASE("an error of a fault says who and what is meant", "[vsphere]") {
  const Error error = error_of({"NoPermission", "Permission to perform this operation was denied.",
                                "object vm-73, privilegeId VirtualMachine.State.CreateSnapshot"},
                               "web01: taking the snapshot x");
  CHECK(error.seen ==
        "Permission to perform this operation was denied. (NoPermission): object vm-73, "
        "privilegeId VirtualMachine.State.CreateSnapshot");
  CHECK_FALSE(error.why.empty());
  CHECK_FALSE(error.remedy.empty());
  CHECK(error_of({"Other", "", "key 7"}, "x").seen == "no message (Other): key 7");
  CHECK(error_of({}, "x").seen == "no message");
}

TEST_CASE("a lost session is told from a missing privilege", "[vsphere]") {
  CHECK(is_no_session({"NotAuthenticated", "The session is not authenticated.", ""}));
  CHECK_FALSE(is_no_session({"NoPermission", "", ""}));
  CHECK_FALSE(is_no_session({"InvalidLogin", "", ""}));
}

}  // namespace flyt::vsphere
