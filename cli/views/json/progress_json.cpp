#include "cli/views/json/progress_json.hpp"

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "cli/views/progress.hpp"

namespace flyt::cli {
namespace {

using nlohmann::json;
using Say = std::function<void(const char*, json)>;

constexpr std::chrono::seconds pause_between{1};

class JsonProgress : public ProgressStatus {
 public:
  JsonProgress(const Plan& plan, Say say)
      : ProgressStatus(plan),
        say_(std::move(say)),
        ticker_([this](const std::stop_token& end) { tick(end); }) {}
  ~JsonProgress() override {
    ticker_.request_stop();
    ticker_.join();
  }

 protected:
  void on_machine(const MachineProgress& machine) override {
    say_("machine", {{"migration_id", machine.migration_id},
                     {"name", machine.name},
                     {"state", to_string(machine.state)},
                     {"step", machine.step}});
  }
  void on_note(const std::string& machine, std::string_view step, std::string_view note) override {
    say_("note", {{"name", machine}, {"step", step}, {"text", note}});
  }

 private:
  void tick(const std::stop_token& end) {
    std::unique_lock lock(waiting_);
    std::uint64_t said = 0;
    while (!pause_.wait_for(lock, end, pause_between, [] { return false; }) &&
           !end.stop_requested()) {
      const auto now = snapshot();
      if (std::exchange(said, now.done) == now.done) continue;
      json machines = json::array();
      for (const auto& one : now.machines) {
        machines.push_back({{"migration_id", one.migration_id},
                            {"name", one.name},
                            {"done", one.done},
                            {"total", one.total},
                            {"bytes_per_second", static_cast<std::uint64_t>(one.rate)}});
      }
      say_("progress", {{"done", now.done},
                        {"total", now.total},
                        {"bytes_per_second", static_cast<std::uint64_t>(now.rate)},
                        {"machines", machines}});
    }
  }

  Say say_;
  std::mutex waiting_;
  std::condition_variable_any pause_;
  std::jthread ticker_;  // last: uses all above
};

}  // namespace

std::unique_ptr<ApplyStatus> make_json_progress(const Plan& plan, Say say) {
  return std::make_unique<JsonProgress>(plan, std::move(say));
}

}  // namespace flyt::cli
