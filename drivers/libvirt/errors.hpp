// libvirt's error numbers as ours: the only place that knows them.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace flyt::virt {

// The calling thread's last libvirt error: its message is `seen`, `what` starts ours.
Error last_error(std::string_view what);

// Whether the last error says that the object is not there, or that nothing stands behind the call
// (a daemon without that part).
bool last_is_missing();
bool last_is_unsupported();
// The guest agent did not answer, or has no channel.
bool last_is_silent_agent();

// libvirt prints its errors to standard error unless told otherwise.
void silence_errors();

}  // namespace flyt::virt
