#include "movers/operations.hpp"

namespace flyt::movers {

Result<CopyReport> copy_stream(const CopyRequest&, const Call&) {
  return Error{Errc::unsupported, "copying streams is not built yet"};
}

}  // namespace flyt::movers
