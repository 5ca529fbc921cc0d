#include "drivers/libvirt/acceleration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/durable_file.hpp"
#include "base/process.hpp"

namespace flyt::virt {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds trial{20};

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
  std::sort(found.begin(), found.end());
  return found.empty() ? std::string() : found.back();
}

fs::path cache_of(const EndpointConfig& config) {
  if (config.state.empty()) return {};
  return config.state / fmt::format("kvm-{}", config.name);
}

std::string boot_id() {
  auto id = read_file("/proc/sys/kernel/random/boot_id", 4096);
  if (!id) return {};
  return id->substr(0, id->find('\n'));
}

// "BOOT-ID kvm WHY" of an earlier try since the host was booted.
std::optional<AccelChoice> recall(const EndpointConfig& config) {
  const fs::path path = cache_of(config);
  if (path.empty()) return std::nullopt;
  const auto kept = read_file(path, 4096);
  const std::string id = boot_id();
  if (!kept || id.empty() || !kept->starts_with(id + " ")) return std::nullopt;
  const std::string rest = kept->substr(id.size() + 1);
  if (rest.starts_with("kvm ")) return AccelChoice{true, rest.substr(4)};
  if (rest.starts_with("tcg ")) return AccelChoice{false, rest.substr(4)};
  return std::nullopt;
}

void remember(const EndpointConfig& config, const AccelChoice& choice) {
  const fs::path path = cache_of(config);
  const std::string id = boot_id();
  if (path.empty() || id.empty()) return;
  // Only saves the next try: a folder that is full or missing does no harm.
  (void)write_durably(path, fmt::format("{} {} {}", id, choice.kvm ? "kvm" : "tcg", choice.why));
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
  const std::lock_guard lock(mutex_);
  if (chosen_) return *chosen_;
  if ((chosen_ = recall(config_))) return *chosen_;
  FLYT_ASSIGN(AccelChoice choice, find_out(call));
  remember(config_, choice);
  chosen_ = choice;
  return choice;
}

Result<AccelChoice> Acceleration::find_out(const Call& call) const {
  const std::string kernel = find_kernel();
  if (kernel.empty()) {
    return AccelChoice{false,
                       "emulation (TCG): no kernel in /boot to try KVM with; accel = \"kvm\" "
                       "uses it untried"};
  }
  Command command{landing_.prefix};
  for (const char* word :
       {"qemu-system-x86_64", "-machine", "pc", "-accel", "kvm", "-cpu", "host", "-m", "512",
        "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
        "-append", "console=ttyS0 panic=-1", "-kernel"}) {
    command.argv.emplace_back(word);
  }
  command.argv.push_back(kernel);
  auto finished = run(command, call.within(trial));
  if (!finished && finished.error().code == Errc::cancelled) return finished.error();
  FLYT_TRY(proceed(call, "trying KVM"));
  if (finished && kernel_has_run(finished->output)) {
    return AccelChoice{true, fmt::format("KVM: {} has run under it", kernel)};
  }
  std::string why = fmt::format("it did not get through in {} s", trial.count());
  if (finished && !finished->errors.empty()) why = first_line(finished->errors);
  if (!finished && finished.error().code != Errc::timed_out) why = finished.error().what;
  return AccelChoice{false,
                     fmt::format("emulation (TCG): {} does not run under KVM: {}", kernel, why)};
}

}  // namespace flyt::virt
