// What a login may do, and how it is granted more.
#pragma once

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

// The pveum lines that give the login a role on `path`.
std::vector<std::string> grant_lines(const Login& login, const std::string& path,
                                     std::string_view role);

}  // namespace flyt::proxmox
