#include "drivers/libvirt/acceleration.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "base/process.hpp"

namespace flyt::virt {
namespace {

namespace fs = std::filesystem;

constexpr const char* emulator = "qemu-system-x86_64";
constexpr std::chrono::seconds trial_time{20};
constexpr std::chrono::seconds grace{5};       // for what ends the trial under sudo
constexpr std::chrono::seconds far_grace{20};  // for the way there as well
// What was missing may have been mended, what was busy may have come to rest.
constexpr std::chrono::seconds refused_life{3600}, too_slow_life{600};

// The newest kernel that is there: what the appliance of virt-v2v uses, else the host's own.
std::string find_kernel() {
  if (const char* named = std::getenv("SUPERMIN_KERNEL"); named != nullptr && *named != '\0') {
    return named;
  }
  std::vector<std::string> found;
  std::error_code failed;
  for (fs::directory_iterator entry("/boot", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::string name = entry->path().native();
    if (entry->path().filename().native().starts_with("vmlinuz")) found.push_back(std::move(name));
  }
  return newest_kernel(std::move(found));
}

// What an answer is an answer to: this boot of the host, and what is tried by whom.
struct Trial {
  std::string boot, user, kernel = {}, qemu = {};
};

fs::path cache_of(const EndpointConfig& config) {
  if (config.state.empty()) return {};
  return config.state / fmt::format("kvm-{}", config.name);
}

std::string boot_id() {
  auto id = read_file("/proc/sys/kernel/random/boot_id", 4096);
  if (!id) return {};
  return id->substr(0, id->find('\n'));
}

Trial here() {
  Trial trial{boot_id(), std::to_string(::getuid()), find_kernel()};
  if (const auto qemu = find_program(emulator)) {
    std::error_code failed;
    const auto built = fs::last_write_time(*qemu, failed).time_since_epoch().count();
    trial.qemu = fmt::format("{} {}", qemu->native(), failed ? 0 : built);
  }
  return trial;
}

// The same of a host that is not this machine, one line each; then its kernels.
constexpr const char* far_script = R"sh(
cat /proc/sys/kernel/random/boot_id
id -u
qemu=$(command -v "$1") && echo "$qemu $(stat -L -c %Y "$qemu")" || echo
for kernel in /boot/vmlinuz*; do [ ! -r "$kernel" ] || echo "$kernel"; done
)sh";

Result<Trial> there(const LandingHost& host, const Call& call) {
  FLYT_ASSIGN(const Finished finished,
              landing_run(host, {"sh", "-c", far_script, "flyt-landing", emulator}, call));
  std::istringstream lines(finished.output);
  Trial trial;
  std::getline(lines, trial.boot);
  std::getline(lines, trial.user);
  std::getline(lines, trial.qemu);
  std::vector<std::string> kernels;
  for (std::string line; std::getline(lines, line);) kernels.push_back(std::move(line));
  trial.kernel = newest_kernel(std::move(kernels));
  return trial;
}

Result<Trial> trial_on(const LandingHost& host, const Call& call) {
  if (host.ssh) return there(host, call);
  return here();
}

std::string key_of(const LandingHost& landing, const Trial& trial) {
  if (trial.boot.empty()) return {};
  return to_hex(sha256(fmt::format("{} {} {} {} {}", trial.boot, trial.kernel, trial.qemu,
                                   landing.name, trial.user)));
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// "KEY kvm UNTIL WHY" of an earlier try; UNTIL in seconds, of a refusal only.
std::optional<AccelChoice> recall(const EndpointConfig& config, const std::string& wanted) {
  const fs::path path = cache_of(config);
  if (path.empty()) return std::nullopt;
  const auto kept = read_file(path, 4096);
  if (!kept) return std::nullopt;
  std::istringstream words(*kept);
  std::string key, answer, why;
  std::int64_t until = 0;
  if (!(words >> key >> answer >> until) || key != wanted) return std::nullopt;
  std::getline(words >> std::ws, why);
  if (answer == "kvm") return AccelChoice{true, why};
  const std::int64_t left = until - now();
  if (answer != "tcg" || left < 0 || left > refused_life.count()) return std::nullopt;
  return AccelChoice{false, why};
}

void remember(const EndpointConfig& config, const std::string& key, const AccelChoice& choice,
              std::chrono::seconds life) {
  const fs::path path = cache_of(config);
  if (path.empty() || key.empty()) return;
  // Only saves the next try: a folder that is full or missing does no harm.
  (void)write_durably(path, fmt::format("{} {} {} {}", key, choice.kvm ? "kvm" : "tcg",
                                        now() + life.count(), choice.why));
}

// QEMU itself gave up: not a time that was too short under load, nor a program that is missing.
bool emulator_has_spoken(const Finished& finished) {
  return finished.status != 0 && finished.status < 124 &&
         finished.errors.find(emulator) != std::string::npos &&
         finished.errors.find("sudo:") == std::string::npos;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

bool kernel_has_run(std::string_view console) {
  if (console.find("Linux version") == std::string_view::npos) return false;
  // Without a root file system the end of a good start is this panic.
  return console.find("Unable to mount root") != std::string_view::npos ||
         console.find("Run /init") != std::string_view::npos;
}

std::string newest_kernel(std::vector<std::string> kernels) {
  const auto newest = std::max_element(kernels.begin(), kernels.end(),
                                       [](const std::string& a, const std::string& b) {
                                         return ::strverscmp(a.c_str(), b.c_str()) < 0;
                                       });
  return newest == kernels.end() ? std::string() : *newest;
}

Result<Accel> accel_from(std::string_view word) {
  if (word == "auto") return Accel::automatic;
  if (word == "kvm") return Accel::kvm;
  if (word == "tcg") return Accel::tcg;
  return Error{Errc::invalid,
               fmt::format("accel = \"{}\": there is no such acceleration", word),
               "",
               "",
               "",
               {"use \"auto\", \"kvm\" or \"tcg\""}};
}

Result<AccelChoice> Acceleration::choose(bool offered, const Call& call) {
  if (wanted_ == Accel::kvm) return AccelChoice{true, "KVM, as the site says"};
  if (wanted_ == Accel::tcg) return AccelChoice{false, "emulation (TCG), as the site says"};
  if (!offered) return AccelChoice{false, "emulation (TCG): libvirt offers no KVM on this host"};
  const std::lock_guard trying(trying_);
  if (const auto kept = known()) return *kept;
  FLYT_ASSIGN(const Trial trial, trial_on(landing_, call));
  const std::string key = key_of(landing_, trial);
  Tried tried;
  if (const auto kept = recall(config_, key)) {
    tried = {*kept, refused_life};
  } else {
    FLYT_ASSIGN(tried, find_out(trial.kernel, call));
    if (tried.choice.kvm || tried.life.count() > 0) {
      remember(config_, key, tried.choice, tried.life);
    }
  }
  if (tried.choice.kvm || tried.life.count() > 0) {
    const std::lock_guard lock(mutex_);
    chosen_ = tried.choice;
  }
  return tried.choice;
}

bool Acceleration::uses_kvm() {
  if (landing_.ssh) return false;
  if (wanted_ != Accel::automatic) return wanted_ == Accel::kvm;
  auto kept = known();
  if (!kept) kept = recall(config_, key_of(landing_, here()));
  return kept && kept->kvm;
}

std::optional<AccelChoice> Acceleration::known() {
  const std::lock_guard lock(mutex_);
  return chosen_;
}

Result<Acceleration::Tried> Acceleration::find_out(const std::string& kernel,
                                                   const Call& call) const {
  if (kernel.empty()) {
    return Tried{{false,
                  "emulation (TCG): no kernel in /boot to try KVM with; accel = \"kvm\" "
                  "uses it untried"}};
  }
  std::vector<std::string> argv;
  // What root runs, and what runs elsewhere, cannot be ended by us.
  const bool beyond_us = !landing_.prefix.empty() || landing_.ssh;
  if (beyond_us) argv = {"timeout", "-k", "1", std::to_string(trial_time.count())};
  for (const char* word : {emulator, "-machine", "pc", "-accel", "kvm", "-cpu", "host", "-m", "512",
                           "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio",
                           "-no-reboot", "-append", "console=ttyS0 panic=-1", "-kernel"}) {
    argv.emplace_back(word);
  }
  argv.push_back(kernel);
  const auto more = landing_.ssh ? far_grace : (beyond_us ? grace : std::chrono::seconds(0));
  auto finished = landing_run(landing_, argv, call.within(trial_time + more));
  const auto failed_with = [&](Errc code) { return !finished && finished.error().code == code; };
  if (failed_with(Errc::cancelled)) return finished.error();
  if (landing_.ssh && failed_with(Errc::unavailable))
    return finished.error();  // says nothing of KVM
  FLYT_TRY(proceed(call, "trying KVM"));
  if (finished && kernel_has_run(finished->output)) {
    return Tried{{true, fmt::format("KVM: {} has run under it", kernel)}};
  }
  std::string why = fmt::format("it did not get through in {} s", trial_time.count());
  if (finished && !finished->errors.empty()) why = first_line(finished->errors);
  if (!finished && !failed_with(Errc::timed_out)) why = finished.error().what;
  constexpr int ended_by_timeout = 124;
  const bool too_slow =
      finished ? beyond_us && finished->status == ended_by_timeout : failed_with(Errc::timed_out);
  Tried tried{{false, fmt::format("emulation (TCG): {} does not run under KVM: {}", kernel, why)}};
  if (too_slow) tried.life = too_slow_life;
  if (finished && emulator_has_spoken(*finished)) tried.life = refused_life;
  return tried;
}

}  // namespace flyt::virt
