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

Result<Roles> read_roles(Api& api, const Call& call) {
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows("/access/roles", "listing the roles", call));
  Roles roles;
  for (const Row& row : rows) roles[row.text("roleid")] = "," + row.text("privs") + ",";
  return roles;
}

std::string role_line(const Roles& roles, std::string_view role,
                      std::span<const std::string_view> privileges) {
  const auto known = roles.find(role);
  if (known == roles.end()) {
    return fmt::format("pveum role add {} --privs \"{}\"", role, fmt::join(privileges, " "));
  }
  std::vector<std::string_view> lacks;
  for (const std::string_view one : privileges) {
    if (known->second.find(fmt::format(",{},", one)) == std::string::npos) lacks.push_back(one);
  }
  if (lacks.empty()) return {};
  return fmt::format("pveum role modify {} --append 1 --privs \"{}\"", role, fmt::join(lacks, " "));
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

std::vector<std::string> grant_lines(const Login& login, const std::string& path,
                                     std::string_view role, const Roles& roles,
                                     std::span<const std::string_view> privileges) {
  std::vector<std::string> lines = grant_lines(login, path, role);
  if (std::string line = role_line(roles, role, privileges); !line.empty()) {
    lines.insert(lines.begin(), std::move(line));
  }
  return lines;
}

}  // namespace flyt::proxmox
