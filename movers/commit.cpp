#include "movers/operations.hpp"

namespace flyt::movers {

Result<CommitReport> commit_overlay(const CommitRequest&, const Call&) {
  return Error{Errc::unsupported, "committing a conversion is not built yet"};
}

}  // namespace flyt::movers
