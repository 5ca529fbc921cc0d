// Work that a node does after it has answered.
#pragma once

#include <string>
#include <string_view>

#include "drivers/proxmox/api.hpp"

namespace flyt::proxmox {

// Waits until the task has ended. `upid` empty: the server had done it by the time it answered. An
// error tells the task's last words. Stopped or past the deadline, the task goes on.
Status wait_for_task(Api& api, const std::string& upid, std::string_view what, const Call& call);

// A request that begins a task, and its end.
Status do_task(Api& api, Method method, const std::string& path, const Params& params,
               std::string_view what, const Call& call);

// Waits for the tasks of a kind ("qmcreate") that this login has running on a node, of one machine
// where `id` names it: an answer can be lost while the work goes on. However they end is a success.
Status wait_for_own(Api& api, const std::string& node, const std::string& kind,
                    const std::string& id, std::string_view what, const Call& call);

// Looks again and again, at most once in 100 ms and at least once a second, until `holds` says so.
Status look_until(const std::function<Result<bool>()>& holds, std::string_view what,
                  const Call& call);

// By what a refusal says, in the status line of an answer or as the end of a task (errors.cpp).
Error refusal(std::string_view text, Errc otherwise, std::string_view what);

}  // namespace flyt::proxmox
