// What a login needs beside its role to enrol machines: only where a site asks for it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/enrolment.hpp"
#include "drivers/proxmox/api.hpp"
#include "drivers/proxmox/privileges.hpp"

namespace flyt::proxmox {

struct EnrolRight {
  std::string what;  // "may not ..."
  std::string path;  // where it counts
  std::vector<std::string_view> privileges;
  // How it is granted. What a deeper path says takes the place of what the ones above it say: so
  // the role goes where a role is already, and holds all that is needed there.
  std::string grant_path;
  std::string_view role;
  std::vector<std::string> role_privileges;
};

// `version`: of Proxmox VE; `machines`: the path of the machine, or of where machines come to
// stand.
std::vector<EnrolRight> enrol_rights(std::span<const Enrolment> wanted, const std::string& version,
                                     const std::string& machines);

// The pveum lines that grant it.
std::vector<std::string> grant_lines(const Login& login, const EnrolRight& right,
                                     const Roles& roles);

// Errc::denied, with those lines: what the login lacks for `wanted`.
Status check_enrol_rights(Api& api, const Enrolment& wanted, const std::string& version,
                          const std::string& machine, const Call& call);

}  // namespace flyt::proxmox
