#include "tests/libvirt/libvirt_lab.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "drivers/libvirt/libvirt.hpp"
#include "tests/catch.hpp"

namespace flyt::tests {
namespace {

// Stops it when our end of its standard input closes, whatever happened to us.
const char* const keeper = R"(
state=$(mktemp -d /tmp/flyt-virt-XXXXXX)
trap '"$1" stop "$state" >/dev/null 2>&1; rm -rf "$state"' EXIT
trap : TERM
LAB_SKIP_APT=1 "$1" start "$state" --mode "$2" || exit
echo ready
exec 3<&0
cat <&3 >/dev/null & wait $!
)";

std::string lab_script() {
  const char* source = std::getenv("FLYT_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/lab/guests/libvirt-session.sh";
}

}  // namespace

Call in_time(std::chrono::seconds limit) {
  return Call{{}, std::chrono::steady_clock::now() + limit};
}

LibvirtLab& LibvirtLab::system() {
  static LibvirtLab lab("system");
  return lab;
}

LibvirtLab& LibvirtLab::session() {
  static LibvirtLab lab("session");
  return lab;
}

LibvirtLab::LibvirtLab(const std::string& mode) : mode_(mode) {
  for (const char* program : {"libvirtd", "virsh", "qemu-system-x86_64", "qemu-nbd"}) {
    if (missing_.empty() && !find_program(program) &&
        !find_program(std::string("/usr/sbin/") + program)) {
      missing_ = std::string("needs ") + program;
    }
  }
  if (::getuid() != 0) missing_ = "needs root: libvirtd gets namespaces of its own";
  if (!std::filesystem::exists(lab_script())) missing_ = "needs FLYT_SOURCE, the source tree";
  if (missing_.empty()) start();
}

void LibvirtLab::start() {
  auto started = Process::start({{"bash", "-c", keeper, "keeper", lab_script(), mode_}});
  if (!started) {
    missing_ = started.error().what;
    return;
  }
  process_ = std::move(*started);
  for (;;) {
    const auto line = process_->read_line(in_time());
    if (!line || !*line) break;
    const std::string& said = **line;
    if (said == "ready") return;
    if (said.rfind("uri: ", 0) == 0) uri_ = said.substr(5);
    if (said.rfind("images: ", 0) == 0) images_ = said.substr(8);
  }
  missing_ = "libvirtd does not start: " + process_->errors();
}

std::string LibvirtLab::virsh(std::vector<std::string> arguments) {
  std::vector<std::string> argv{"virsh", "-q", "-c", uri_};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const auto done = check({argv}, in_time());
  if (!done) FAIL("virsh " << arguments.front() << ": " << done.error().seen);
  return done->output;
}

std::unique_ptr<Driver> LibvirtLab::driver(const std::map<std::string, std::string>& keys) {
  EndpointConfig config;
  config.name = "kvm";
  config.driver = "libvirt";
  config.values = {{"uri", uri_}, {"accel", "tcg"}};
  for (const auto& [key, value] : keys) config.values[key] = value;
  auto opened = virt::open(config, in_time());
  REQUIRE(opened);
  return std::move(*opened);
}

void LibvirtLab::kill_daemon() {
  pid_t daemon = 0;
  std::ifstream(images_.parent_path() / "libvirtd.pid") >> daemon;
  const FileDescriptor process(daemon > 1 ? static_cast<int>(::syscall(SYS_pidfd_open, daemon, 0))
                                          : -1);
  if (process.get() < 0 || ::kill(daemon, SIGKILL) != 0) return;
  pollfd ended{process.get(), POLLIN, 0};
  (void)::poll(&ended, 1, 10'000);  // the next one is not started beside it
}

void LibvirtLab::start_daemon() {
  const auto started = check(
      {{lab_script(), "start", images_.parent_path(), "--mode", mode_}, {{"LAB_SKIP_APT", "1"}}},
      in_time());
  if (!started) FAIL(started.error().what << ": " << started.error().seen);
  start_pool();
}

void LibvirtLab::start_pool() {
  const auto pools = virsh({"pool-list", "--all", "--name"});
  if (pools.find("default") == std::string::npos) {
    virsh({"pool-define-as", "default", "dir", "--target", images_.native()});
  }
  if (virsh({"pool-list", "--name"}).find("default") == std::string::npos) {
    virsh({"pool-start", "default"});
  }
}

void LibvirtLab::clean() {
  std::istringstream names(virsh({"list", "--all", "--uuid"}));
  for (std::string uuid; names >> uuid;) {
    (void)run({{"virsh", "-c", uri_, "destroy", uuid}}, in_time());  // it may be off
    virsh({"undefine", uuid, "--nvram"});
  }
  start_pool();
  for (const auto& file : std::filesystem::directory_iterator(images_)) {
    std::filesystem::remove_all(file);
  }
  virsh({"pool-refresh", "default"});
}

}  // namespace flyt::tests
