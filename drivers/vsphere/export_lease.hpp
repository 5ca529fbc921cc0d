// A HttpNfcLease of the server: begun, renewed by a thread of its own, and always ended.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "drivers/vsphere/lease_info.hpp"
#include "drivers/vsphere/session.hpp"

namespace flyt::vsphere {

// Thread-safe but for complete() and abort(). The session must outlive it.
class ExportLease {
 public:
  // Asks for it by ExportVm of `machine` or, where that is not empty, ExportSnapshot of `snapshot`,
  // and waits until it is ready. A call that is stopped leaves no lease behind. `what` begins
  // errors.
  static Result<std::unique_ptr<ExportLease>> begin(Session& session, const Ref& machine,
                                                    const Ref& snapshot, std::string what,
                                                    const Call& call);
  ExportLease(const ExportLease&) = delete;
  ExportLease& operator=(const ExportLease&) = delete;
  ~ExportLease();  // as abort()

  const LeaseInfo& info() const { return info_; }
  // Renews it from now on, at a third of its timeout. `lost` is called from that thread, once, when
  // the lease is over or has not been renewed for as long as it lasts.
  void keep(std::function<void(Error)> lost);
  void set_percent(int percent) { percent_ = percent; }

  // Why it is over, as the server says it; nothing: it is not, or the server does not answer.
  std::optional<Error> why_over(const Call& call);
  // All was read. An error: nobody knows that the lease held until then.
  Status complete(const Call& call);
  // Unless it was completed. Takes its own few seconds, whatever became of the caller's call.
  Status abort();

 private:
  ExportLease(Session& session, Ref ref, std::string what)
      : session_(session), ref_(std::move(ref)), what_(std::move(what)) {}
  Status wait_until_ready(const Call& call);
  void renew(const std::stop_token& stop, const std::function<void(Error)>& lost);
  void stop_keeping();
  Error over(std::string seen) const;

  Session& session_;
  const Ref ref_;
  const std::string what_;
  LeaseInfo info_;
  std::atomic<int> percent_{0};
  bool ended_ = false;
  std::jthread keeper_;  // last: uses the others
};

}  // namespace flyt::vsphere
