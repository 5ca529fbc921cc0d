#include "drivers/proxmox/upload_rights.hpp"

#include <fmt/format.h>

#include <array>

#include "drivers/proxmox/check.hpp"
#include "drivers/proxmox/privileges.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::string_view role = "FlytUpload";
constexpr std::array<std::string_view, 3> needed{"Datastore.AllocateTemplate", "Datastore.Allocate",
                                                 "Datastore.Audit"};

std::string path_of(const std::string& storage) { return "/storage/" + storage; }

}  // namespace

Result<std::vector<std::string>> missing_upload_rights(Context& context, const std::string& storage,
                                                       const Call& call) {
  return missing_privileges(context.api, path_of(storage), needed, call);
}

Result<std::vector<std::string>> grant_upload_rights(Context& context, const std::string& storage,
                                                     const Call& call) {
  return grant_beside(context.api, path_of(storage), role, needed, call);
}

Status check_upload_rights(Context& context, const std::string& storage, const Call& call) {
  FLYT_ASSIGN(const auto lacks, missing_upload_rights(context, storage, call));
  if (lacks.empty()) return ok();
  FLYT_ASSIGN(const auto lines, grant_upload_rights(context, storage, call));
  return Error{Errc::denied,
               fmt::format("{} may not send images to {} and remove them again",
                           context.api.login().who(), storage),
               fmt::format("{} on {} {} missing", fmt::join(lacks, ", "), path_of(storage),
                           lacks.size() == 1 ? "is" : "are"),
               "",
               "nothing was sent",
               lines};
}

}  // namespace flyt::proxmox
