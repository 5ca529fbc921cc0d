#include "cli/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "cli/views/human/text.hpp"

namespace flyt::cli {
namespace {

constexpr std::size_t file_bytes = std::size_t{8} << 20;
constexpr std::size_t files = 3;

std::string of_machine(const std::string& name, const std::string& migration_id) {
  return fmt::format("{} ({})", one_line(name), migration_id);
}

std::string told(const Error& error) {
  std::string text = one_line(error.what);
  if (!error.seen.empty()) text += "; seen: " + one_line(error.seen);
  if (!error.why.empty()) text += "; why: " + one_line(error.why);
  if (!error.state.empty()) text += "; state: " + one_line(error.state);
  return text;
}

class Beside final : public ApplyStatus {
 public:
  Beside(std::unique_ptr<ApplyStatus> status, std::shared_ptr<spdlog::logger> logger)
      : status_(std::move(status)), logger_(std::move(logger)) {}

  void machine(const PlannedMachine& machine, MachineState state, std::string_view why) override {
    logger_->info("{}: {}{}{}", of_machine(machine.source.name, machine.migration_id),
                  to_string(state), why.empty() ? "" : ": ", one_line(why));
    status_->machine(machine, state, why);
  }
  ProgressSink& step(const PlannedMachine& machine, std::string_view step) override {
    return status_->step(machine, step);
  }

 private:
  std::unique_ptr<ApplyStatus> status_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace

Log::Log(const std::filesystem::path& state) {
  const mode_t before = ::umask(0077);  // the thread that waits for signals makes no files
  try {
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        (state / "flyt.log").native(), file_bytes, files - 1);
    logger_ = std::make_shared<spdlog::logger>("flyt", std::move(sink));
    logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %P %l %v", spdlog::pattern_time_type::utc);
    logger_->flush_on(spdlog::level::info);
    // A disk that is full later: the journal says so, and stops what must stop.
    logger_->set_error_handler([](const std::string&) {});
  } catch (const spdlog::spdlog_ex&) {
    logger_.reset();
  }
  ::umask(before);
}

void Log::begins(std::string_view command, const Plan& plan) const {
  if (!logger_) return;
  logger_->info("flyt {} begins: plan {}, {} to {}, {}", command, plan.digest, plan.source,
                plan.target, count(plan.machines.size(), "machine"));
}

void Log::ended(const std::vector<MachineOutcome>& outcomes) const {
  if (!logger_) return;
  for (const MachineOutcome& one : outcomes) {
    const std::string machine = of_machine(one.name, one.migration_id);
    for (const std::string& line : one.record) logger_->info("{}: {}", machine, one_line(line));
    for (const Verdict& verdict : one.verdicts) {
      logger_->info("{}: {} {} {}: {}", machine, to_string(verdict.question),
                    to_string(verdict.answer), one_line(verdict.value), one_line(verdict.why));
    }
    if (one.error) logger_->error("{}: {}", machine, told(*one.error));
    logger_->info("{}: {} at the end", machine, to_string(one.state));
  }
}

void Log::failed(std::string_view command, const Error& error) const {
  if (logger_) logger_->error("flyt {}: {}", command, told(error));
}

std::unique_ptr<ApplyStatus> Log::beside(std::unique_ptr<ApplyStatus> status) const {
  if (!logger_) return status;
  return std::make_unique<Beside>(std::move(status), logger_);
}

}  // namespace flyt::cli
