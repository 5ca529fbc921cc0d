// poll(2) that also ends when a stop is requested or the deadline has passed.
#pragma once

#include <poll.h>

#include <span>
#include <string_view>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt {

// Waits until at least one of `watched` is ready; their revents say which. Negative descriptors
// are passed over; with none to watch it waits for the stop or the deadline.
// Errc::cancelled and Errc::timed_out as proceed().
Status poll(std::span<pollfd> watched, const Call& call, std::string_view what);

}  // namespace flyt
