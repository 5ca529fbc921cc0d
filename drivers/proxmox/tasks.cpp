#include "drivers/proxmox/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/poll.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/cluster.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::chrono::milliseconds first_look{100}, slowest_look{1000};
constexpr std::size_t last_words = 10;  // lines of a log in an error

// "UPID:node:...": the node that does the work.
std::string node_of(const std::string& upid) {
  const auto begin = upid.find(':');
  const auto end = begin == std::string::npos ? begin : upid.find(':', begin + 1);
  return end == std::string::npos ? std::string() : upid.substr(begin + 1, end - begin - 1);
}

std::string path_of(const std::string& upid) {
  return fmt::format("{}/tasks/{}", node_path(node_of(upid)), percent_encode(upid));
}

// The log's end, or nothing: that it cannot be read changes nothing about the failure.
std::string tail_of_log(Api& api, const std::string& upid, const Call& call) {
  const auto rows = api.get_rows(path_of(upid) + "/log", "reading a log", call,
                                 {{"start", "0"}, {"limit", "5000"}});
  if (!rows) return {};
  std::string tail;
  const std::size_t begin = rows->size() - std::min(rows->size(), last_words);
  for (std::size_t i = begin; i < rows->size(); ++i) {
    const std::string line = (*rows)[i].text("t");
    if (line.empty() || line.starts_with("TASK ERROR")) continue;
    tail += (tail.empty() ? "" : " | ") + line;
  }
  return tail;
}

}  // namespace

Status look_until(const std::function<Result<bool>()>& holds, std::string_view what,
                  const Call& call) {
  for (auto pause = first_look;; pause = std::min(2 * pause, slowest_look)) {
    FLYT_ASSIGN(const bool done, holds());
    if (done) return ok();
    FLYT_TRY(proceed(call, what));
    // The moment of the next look comes, a stop, or the deadline.
    const Status ended = poll({}, call.within(pause), what);
    if (!ended && ended.error().code == Errc::cancelled) return ended.error();
    FLYT_TRY(proceed(call, what));
  }
}

Status wait_for_task(Api& api, const std::string& upid, std::string_view what, const Call& call) {
  if (upid.empty()) return ok();
  if (node_of(upid).empty()) {
    return Error{Errc::corrupt, std::string(what), fmt::format("no task: \"{}\"", upid)};
  }
  std::string end;
  FLYT_TRY(look_until(
      [&]() -> Result<bool> {
        FLYT_ASSIGN(const Row row, api.get_row(path_of(upid) + "/status", what, call));
        end = row.text("exitstatus");
        return row.text("status") == "stopped";
      },
      what, call));
  if (end == "OK" || end.starts_with("WARNINGS")) return ok();
  Error error = refusal(end, Errc::internal, what);
  if (end == "unexpected status" || end.find("interrupted by signal") != std::string::npos) {
    error.code = Errc::unavailable;
    error.why = "the task was ended from outside: the node was restarted, or somebody stopped it";
  }
  if (const std::string tail = tail_of_log(api, upid, call); !tail.empty()) {
    error.seen += fmt::format(" (the task's log: {})", tail);
  }
  return error;
}

Status wait_for_own(Api& api, const std::string& node, const std::string& kind,
                    const std::string& id, std::string_view what, const Call& call) {
  FLYT_ASSIGN(const std::vector<Row> rows,
              api.get_rows(node_path(node) + "/tasks", what, call,
                           {{"source", "active"}, {"typefilter", kind}}));
  const std::string& me = api.login().who();
  for (const Row& row : rows) {
    const std::string who =
        row.has("tokenid") ? row.text("user") + "!" + row.text("tokenid") : row.text("user");
    if (who != me || row.has("endtime") || (!id.empty() && row.text("id") != id)) continue;
    const Status ended = wait_for_task(api, row.text("upid"), what, call);
    if (!ended && (ended.error().code == Errc::cancelled || ended.error().code == Errc::timed_out))
      return ended.error();
  }
  return ok();
}

Status do_task(Api& api, Method method, const std::string& path, const Params& params,
               std::string_view what, const Call& call) {
  FLYT_ASSIGN(const std::string body, api.request(method, path, params, what, call));
  FLYT_ASSIGN(const std::string upid, parse_text(body, what));
  return wait_for_task(api, upid, what, call);
}

}  // namespace flyt::proxmox
