// What a command did, for whoever reads it the next morning: flyt.log in the state folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "plans/executor.hpp"

namespace spdlog {
class logger;
}

namespace flyt::cli {

// Three files of 8 MiB, in turns; lines in UTC, one event each, with the process that wrote it. A
// log that cannot be written stops nothing. No secrets come here: what is logged is what views
// show.
class Log {
 public:
  explicit Log(const std::filesystem::path& state);
  void begins(std::string_view command, const Plan& plan) const;
  void ended(const std::vector<MachineOutcome>& outcomes) const;
  void failed(std::string_view command, const Error& error) const;
  // Writes down what passes to `status`.
  std::unique_ptr<ApplyStatus> beside(std::unique_ptr<ApplyStatus> status) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;  // null: it could not be opened
};

}  // namespace flyt::cli
