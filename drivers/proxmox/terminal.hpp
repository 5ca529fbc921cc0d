// What a machine says on its serial console, heard by the API (termproxy).
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "drivers/proxmox/api.hpp"
#include "drivers/proxmox/cluster.hpp"

namespace flyt::proxmox {

// Whether a console's login knows API tokens: before 9.1 it asks for a user's name.
bool consoles_take_tokens(std::string_view version);

// Empties the log of a console: another file in its place, so that whoever reads it sees that.
Status begin_console_log(const std::filesystem::path& file);

inline constexpr std::uint64_t most_console = std::uint64_t{64}
                                              << 20;  // of what one says, in bytes

// Waits ten minutes for the machine to run, and then writes what its first serial port says into a
// file, until the machine is off, this object ends, or that is `most_console`. What is said while a
// connection is broken is lost. Thread-safe.
class Terminal {
 public:
  // `api` must outlive it.
  Terminal(Api& api, MachineHere here, std::filesystem::path file);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() = default;

  struct State {
    bool heard = false;  // the port was opened once
    std::string why;     // nobody listens, for people; empty: somebody does, or waits to
  };
  State state() const;

 private:
  void run(const std::stop_token& stop);
  Status wait_until_on(const Call& call);
  Status hear(const Call& call);
  Result<bool> runs(const Call& call);

  Api& api_;
  const MachineHere here_;
  const std::filesystem::path file_;
  mutable std::mutex mutex_;  // guards `state_`
  State state_;
  std::uint64_t written_ = 0;  // of the thread
  std::jthread thread_;        // last: it ends before what it uses
};

}  // namespace flyt::proxmox
