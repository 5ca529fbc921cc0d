#include "drivers/proxmox/privileges.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flyt::proxmox {

Result<std::vector<std::string>> missing_privileges(Api& api, const std::string& path,
                                                    std::span<const std::string_view> wanted,
                                                    const Call& call) {
  constexpr std::string_view what = "asking for privileges";
  FLYT_ASSIGN(const std::string body, api.get("/access/permissions", what, call, {{"path", path}}));
  FLYT_ASSIGN(const Grants grants, parse_grants(body, what));
  const auto here = grants.find(path);
  std::vector<std::string> lacks;
  for (const std::string_view one : wanted) {
    if (here == grants.end() ||
        std::find(here->second.begin(), here->second.end(), one) == here->second.end()) {
      lacks.emplace_back(one);
    }
  }
  return lacks;
}

// A token has what its user and itself are granted, both.
std::vector<std::string> grant_lines(const Login& login, const std::string& path,
                                     std::string_view role) {
  const std::string& who = login.who();
  const std::string user = who.substr(0, who.find('!'));
  std::vector<std::string> lines{
      fmt::format("pveum acl modify {} --users {} --roles {}", path, user, role)};
  if (user != who) {
    lines.push_back(fmt::format("pveum acl modify {} --tokens '{}' --roles {}", path, who, role));
  }
  return lines;
}

}  // namespace flyt::proxmox
