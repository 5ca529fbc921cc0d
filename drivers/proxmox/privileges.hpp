// What a login may do, and how it is granted more.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/proxmox/api.hpp"

namespace flyt::proxmox {

// Of `wanted` what is not granted on `path`.
Result<std::vector<std::string>> missing_privileges(Api& api, const std::string& path,
                                                    std::span<const std::string_view> wanted,
                                                    const Call& call);

// The privileges of each role, as ",VM.Audit,...,". Everybody may read them.
using Roles = std::map<std::string, std::string, std::less<>>;
Result<Roles> read_roles(Api& api, const Call& call);

// The pveum line that makes the role, or adds to one of this name what it lacks; empty: it has all.
std::string role_line(const Roles& roles, std::string_view role,
                      std::span<const std::string_view> privileges);

// The pveum lines that give the login a role on `path`.
std::vector<std::string> grant_lines(const Login& login, const std::string& path,
                                     std::string_view role);
// Those lines, and before them the role's, where it needs one.
std::vector<std::string> grant_lines(const Login& login, const std::string& path,
                                     std::string_view role, const Roles& roles,
                                     std::span<const std::string_view> privileges);

}  // namespace flyt::proxmox
