#include "drivers/vsphere/export_lease.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "drivers/vsphere/faults.hpp"
#include "drivers/vsphere/properties.hpp"

namespace flyt::vsphere {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The request that makes a lease is not given up when the caller stops: nobody would know the lease
// that it made, and it would block the machine until it runs out.
constexpr std::chrono::seconds begin_patience{60};
constexpr std::chrono::seconds abort_patience{10};

// Until `duration` has passed; false: `stop` was requested.
bool pause_for(milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

Result<std::unique_ptr<ExportLease>> ExportLease::begin(Session& session, const Ref& machine,
                                                        const Ref& snapshot, std::string what,
                                                        const Call& call) {
  FLYT_TRY(proceed(call, what));
  const Call once = Call{{}, call.deadline}.within(begin_patience);
  FLYT_ASSIGN(const Reply made, snapshot.empty()
                                    ? session.call("ExportVm", machine, {}, what, once)
                                    : session.call("ExportSnapshot", snapshot, {}, what, once));
  const Ref ref = ref_of(made.value());
  if (ref.empty()) return Error{Errc::corrupt, fmt::format("{}: the export has no lease", what)};
  std::unique_ptr<ExportLease> lease(new ExportLease(session, ref, std::move(what)));
  FLYT_TRY(lease->wait_until_ready(call));
  return lease;
}

Status ExportLease::wait_until_ready(const Call& call) {
  const auto ready = [this](const Object& now) -> Result<bool> {
    const std::string state = now.text("state");
    if (state == "error") {
      ended_ = true;
      return error_of(fault_in(now.at("error")), what_);
    }
    if (state == "done") return over("state done");
    if (state != "ready" || !now.at("info")) return false;
    info_ = lease_info_of(now.at("info"));
    return true;
  };
  return wait_until(session_, ref_, {"state", "info", "error"}, ready, what_, call);
}

ExportLease::~ExportLease() { (void)abort(); }

void ExportLease::keep(std::function<void(Error)> lost) {
  keeper_ = std::jthread(
      [this, lost = std::move(lost)](const std::stop_token& stop) { renew(stop, lost); });
}

void ExportLease::renew(const std::stop_token& stop, const std::function<void(Error)>& lost) {
  const milliseconds pause = std::max(info_.timeout / 3, milliseconds(1));
  for (auto renewed = steady_clock::now(); pause_for(pause, stop);) {
    const auto asked = steady_clock::now();
    const Call call = Call{stop}.within(pause);
    const auto done = session_.call("HttpNfcLeaseProgress", ref_,
                                    Body().number("percent", percent_), what_, call);
    if (stop.stop_requested()) return;
    if (done) {
      renewed = asked;
      continue;
    }
    // A server that does not answer may do so next time, as long as the lease lasts.
    if (auto error = why_over(Call{stop}.within(pause))) return lost(*std::move(error));
    if (steady_clock::now() - renewed >= info_.timeout) return lost(over(done.error().seen));
  }
}

void ExportLease::stop_keeping() {
  keeper_.request_stop();
  if (keeper_.joinable()) keeper_.join();
}

Error ExportLease::over(std::string seen) const {
  return {Errc::unavailable,
          fmt::format("{}: the export lease has ended before the disk was read", what_),
          std::move(seen),
          "it was not renewed in time, or the session that it belongs to has ended",
          "the source was only read",
          {"try again: the disk is then read from its beginning"}};
}

std::optional<Error> ExportLease::why_over(const Call& call) {
  std::optional<Error> why;
  const auto look = [&](const Object& now) {
    const std::string state = now.text("state");
    if (state == "error") {
      why = over(error_of(fault_in(now.at("error")), what_).seen);
    } else if (state == "done") {
      why = over("the lease is done");
    }
    return ok();
  };
  const auto read = each_of(session_, {ref_}, {ref_.type, {"state", "error"}}, look, call);
  if (!read && read.error().code == Errc::not_found) return over(read.error().seen);
  return why;
}

Status ExportLease::complete(const Call& call) {
  stop_keeping();
  if (ended_) return ok();
  if (auto done = session_.call("HttpNfcLeaseComplete", ref_, {}, what_, call); !done) {
    if (Status stopped = proceed(call, what_); !stopped) return stopped;
    if (auto why = why_over(call)) return *std::move(why);
    return std::move(done).error();
  }
  ended_ = true;
  return ok();
}

Status ExportLease::abort() {
  stop_keeping();
  if (std::exchange(ended_, true)) return ok();
  const Call call = Call{}.within(abort_patience);
  auto done = session_.call("HttpNfcLeaseAbort", ref_, {}, what_, call);
  if (done || why_over(call)) return ok();
  done.error().state =
      fmt::format("the export lease may be left; it ends by itself after {} s",
                  std::chrono::duration_cast<std::chrono::seconds>(info_.timeout).count());
  return std::move(done).error();
}

}  // namespace flyt::vsphere
