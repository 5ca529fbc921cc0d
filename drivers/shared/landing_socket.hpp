// A unix socket of a landing host, carried to this machine.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt {

// One SSH connection, which ends with this object and with this process. As who logs in: sudo does
// not help here.
class LandingSocket {
 public:
  // Carries the first of `paths` that is there. Errc::not_found: none is; Errc::denied: it may not
  // be opened; errors of the way there as landing_run() has them. REQUIRES: host.ssh.
  static Result<LandingSocket> open(const LandingHost& host, const std::vector<std::string>& paths,
                                    const Call& call);
  const std::filesystem::path& path() const noexcept { return path_; }  // on this machine

 private:
  LandingSocket(PrivateFolder folder, Process process)
      : folder_(std::move(folder)), process_(std::move(process)) {}

  PrivateFolder folder_;
  Process process_;
  std::filesystem::path path_;
};

}  // namespace flyt
