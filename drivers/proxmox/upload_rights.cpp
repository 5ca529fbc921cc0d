#include "drivers/proxmox/upload_rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flyt::proxmox {
namespace {

constexpr std::string_view role = "FlytUpload";
constexpr std::array<std::string_view, 3> needed{"Datastore.AllocateTemplate", "Datastore.Allocate",
                                                 "Datastore.Audit"};

std::string path_of(const std::string& storage) { return "/storage/" + storage; }

}  // namespace

Result<std::vector<std::string>> missing_upload_rights(Context& context, const std::string& storage,
                                                       const Call& call) {
  constexpr std::string_view what = "asking for privileges";
  const std::string path = path_of(storage);
  FLYT_ASSIGN(const std::string body,
              context.api.get("/access/permissions", what, call, {{"path", path}}));
  FLYT_ASSIGN(const Grants grants, parse_grants(body, what));
  const auto here = grants.find(path);
  std::vector<std::string> lacks;
  for (const std::string_view one : needed) {
    if (here == grants.end() ||
        std::find(here->second.begin(), here->second.end(), one) == here->second.end()) {
      lacks.emplace_back(one);
    }
  }
  return lacks;
}

// A token has what its user and itself are granted, both.
std::vector<std::string> grant_upload_rights(Context& context, const std::string& storage) {
  const std::string& who = context.api.login().who();
  const std::string user = who.substr(0, who.find('!')), path = path_of(storage);
  std::vector<std::string> lines{
      fmt::format("pveum role add {} --privs \"{}\"", role, fmt::join(needed, " ")),
      fmt::format("pveum acl modify {} --users {} --roles {}", path, user, role)};
  if (user != who) {
    lines.push_back(fmt::format("pveum acl modify {} --tokens '{}' --roles {}", path, who, role));
  }
  return lines;
}

Status check_upload_rights(Context& context, const std::string& storage, const Call& call) {
  FLYT_ASSIGN(const auto lacks, missing_upload_rights(context, storage, call));
  if (lacks.empty()) return ok();
  return Error{Errc::denied,
               fmt::format("{} may not send images to {} and remove them again",
                           context.api.login().who(), storage),
               fmt::format("{} on {} {} missing", fmt::join(lacks, ", "), path_of(storage),
                           lacks.size() == 1 ? "is" : "are"),
               "",
               "nothing was sent",
               grant_upload_rights(context, storage)};
}

}  // namespace flyt::proxmox
