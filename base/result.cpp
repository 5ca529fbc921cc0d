#include "base/result.hpp"

#include <fmt/format.h>

namespace flyt {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid:
      return "invalid";
    case Errc::not_found:
      return "not_found";
    case Errc::exists:
      return "exists";
    case Errc::unsupported:
      return "unsupported";
    case Errc::denied:
      return "denied";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timed_out:
      return "timed_out";
    case Errc::cancelled:
      return "cancelled";
    case Errc::corrupt:
      return "corrupt";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

Error Error::within(std::string_view context) && {
  if (!context.empty())
    what = what.empty() ? std::string(context) : fmt::format("{}: {}", context, what);
  return std::move(*this);
}

}  // namespace flyt
