#include "drivers/vsphere/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flyt::vsphere {
namespace {

struct Meaning {
  std::string_view type;
  Errc code;
  std::string_view why = {}, remedy = {};
};

// By name. What is not here is Errc::unavailable: vCenter's faults are many, most are states that
// pass, and none of them means that data is wrong.
constexpr std::array meanings{
    Meaning{"AlreadyExists", Errc::exists},
    Meaning{"CannotAccessFile", Errc::denied, "the host cannot open the file"},
    Meaning{"DuplicateName", Errc::exists},
    Meaning{"FileAlreadyExists", Errc::exists},
    Meaning{"FileLocked", Errc::unavailable, "another program holds the disk (a backup?)",
            "try again when the other program has finished"},
    Meaning{"FileNotFound", Errc::not_found},
    Meaning{"HostNotConnected", Errc::unavailable, "vCenter has lost the ESXi host"},
    Meaning{"HostNotReachable", Errc::unavailable, "vCenter does not reach the ESXi host"},
    Meaning{"InvalidArgument", Errc::invalid},
    Meaning{"InvalidDatastore", Errc::invalid},
    Meaning{"InvalidDatastorePath", Errc::invalid},
    Meaning{"InvalidLocale", Errc::invalid},
    Meaning{"InvalidLogin", Errc::denied, "user or password is wrong",
            "check user and password of the endpoint"},
    Meaning{"InvalidName", Errc::invalid},
    Meaning{"InvalidPowerState", Errc::unavailable, "its power state does not allow it",
            "look at the machine in vSphere: somebody may have switched it on or off"},
    Meaning{"InvalidProperty", Errc::unsupported, "this server does not know the property"},
    Meaning{"InvalidRequest", Errc::invalid},
    Meaning{"InvalidSnapshotFormat", Errc::unsupported},
    Meaning{"InvalidState", Errc::unavailable, "its state does not allow it"},
    Meaning{"InvalidType", Errc::invalid},
    Meaning{"ManagedObjectNotFound", Errc::not_found,
            "it was removed, or moved to another vCenter"},
    Meaning{"MethodNotFound", Errc::unsupported, "this server does not know the method"},
    Meaning{"MultipleSnapshotsNotSupported", Errc::unsupported},
    Meaning{"NoDiskSpace", Errc::unavailable, "the datastore is full",
            "make room on the datastore"},
    Meaning{"NoPermission", Errc::denied, "the user lacks a privilege",
            "give it the role of docs/drivers/vsphere.md: flyt check names what is missing"},
    Meaning{"NotAuthenticated", Errc::denied, "the session has ended"},
    Meaning{"NotFound", Errc::not_found},
    Meaning{"NotSupported", Errc::unsupported},
    Meaning{"RequestCanceled", Errc::unavailable, "somebody cancelled the task in vSphere"},
    Meaning{"RestrictedVersion", Errc::unsupported, "the licence of this ESXi allows only reading",
            "use vCenter, or a licensed ESXi"},
    Meaning{"SnapshotIncompatibleDeviceInVm", Errc::unsupported,
            "a device of the machine excludes snapshots"},
    Meaning{"TaskInProgress", Errc::unavailable, "another task works on the machine",
            "try again when it has ended: vSphere lists it among the machine's tasks"},
    Meaning{"Timedout", Errc::timed_out},
    Meaning{"TooManySnapshotLevels", Errc::unsupported, "the machine has too many snapshots",
            "remove old snapshots of the machine"},
    Meaning{"ToolsUnavailable", Errc::unavailable, "VMware Tools do not run in the guest"},
};

constexpr bool by_type(const Meaning& a, const Meaning& b) { return a.type < b.type; }
static_assert(std::is_sorted(meanings.begin(), meanings.end(), by_type));

const Meaning* find(std::string_view type) {
  const auto found = std::lower_bound(
      meanings.begin(), meanings.end(), type,
      [](const Meaning& one, std::string_view wanted) { return one.type < wanted; });
  return found != meanings.end() && found->type == type ? &*found : nullptr;
}

std::string words(const Fault& fault) {
  std::string text = fault.message.empty() ? "no message" : fault.message;
  if (!fault.type.empty()) text += fmt::format(" ({})", fault.type);
  if (!fault.detail.empty()) text += fmt::format(": {}", fault.detail);
  return text;
}

}  // namespace

Error error_of(const Fault& fault, std::string_view what) {
  Error error{Errc::unavailable, std::string(what), words(fault)};
  if (const Meaning* meaning = find(fault.type)) {
    error.code = meaning->code;
    error.why = meaning->why;
    if (!meaning->remedy.empty()) error.remedy.emplace_back(meaning->remedy);
  }
  return error;
}

bool is_no_session(const Fault& fault) { return fault.type == "NotAuthenticated"; }

}  // namespace flyt::vsphere
