// What a login needs to send images to a storage, and to remove them again.
#pragma once

#include <string>
#include <vector>

#include "drivers/proxmox/context.hpp"

namespace flyt::proxmox {

// Those that it lacks there.
Result<std::vector<std::string>> missing_upload_rights(Context& context, const std::string& storage,
                                                       const Call& call);
// The pveum lines that grant them.
Result<std::vector<std::string>> grant_upload_rights(Context& context, const std::string& storage,
                                                     const Call& call);

// Errc::denied, with those lines. To be asked before an upload: a login that may not send is told
// nothing by the server, but loses its connection.
Status check_upload_rights(Context& context, const std::string& storage, const Call& call);

}  // namespace flyt::proxmox
