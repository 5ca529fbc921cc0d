#include "drivers/vsphere/known_surroundings.hpp"

#include <utility>

namespace flyt::vsphere {

Result<KnownSurroundings::Recent> KnownSurroundings::recent(Session& session, const Call& call) {
  std::shared_ptr<const Surroundings> known;
  {
    const std::lock_guard lock(mutex_);
    if (Clock::now() - read_at_ < oldest_) known = known_;
  }
  if (known != nullptr) {
    Recent recent{*known};
    if (read_datastores(session, recent.around, call)) return recent;
    // One of them may be gone.
  }
  FLYT_ASSIGN(Surroundings around, renew(session, call));
  return Recent{std::move(around), true};
}

Result<Surroundings> KnownSurroundings::renew(Session& session, const Call& call) {
  const auto begun = Clock::now();
  FLYT_ASSIGN(Surroundings around, read_surroundings(session, call));
  auto kept = std::make_shared<const Surroundings>(around);
  const std::lock_guard lock(mutex_);
  known_ = std::move(kept);
  read_at_ = begun;
  return around;
}

}  // namespace flyt::vsphere
