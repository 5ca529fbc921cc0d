// A guestfish that has a machine's disks and answers one question after another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"

namespace flyt::inspection {

// Its appliance reads the disks, and can write to none. Ends with this object.
class Guestfish {
 public:
  // `sockets`: of NBD servers, in the order of the disks. Returns when the appliance runs.
  static Result<Guestfish> start(const std::vector<std::string>& sockets, bool kvm,
                                 const Call& call);

  // What a command printed; empty where it failed, as for a file that is not there. At most 1 MiB:
  // the rest is left out. Errors: the appliance has died, the call was stopped.
  Result<std::string> ask(const std::vector<std::string>& words, const Call& call);
  Result<std::vector<std::string>> lines(const std::vector<std::string>& words, const Call& call);
  // The first line that is not empty, at most 200 bytes of it; else empty.
  Result<std::string> word(const std::vector<std::string>& words, const Call& call);
  // Of a command that answers a question with "true".
  Result<bool> is(const std::vector<std::string>& words, const Call& call);

 private:
  explicit Guestfish(Process process);
  Process process_;
  std::string mark_;  // ends each answer; nobody in the guest can know it
};

}  // namespace flyt::inspection
