#include "tests/conformance/subject_libvirt.hpp"

#include <fmt/format.h>
#include <sys/types.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/identity.hpp"
#include "base/process.hpp"
#include "drivers/libvirt/libvirt.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

std::string uri() {
  const char* named = std::getenv("FLYT_TEST_LIBVIRT_URI");
  return named == nullptr ? "" : named;
}

// Everything on that daemon is removed: it must be one that tests/lab/guests/libvirt-session.sh has
// started, which keeps two files above its socket.
std::filesystem::path state() {
  const std::string socket = uri().substr(std::min(uri().size(), uri().find("socket=") + 7));
  return std::filesystem::path(socket).parent_path().parent_path().parent_path();
}

std::string missing() {
  if (uri().empty()) return "set FLYT_TEST_LIBVIRT_URI (./dev test libvirt does)";
  const bool ours = std::filesystem::exists(state() / "mode") &&
                    std::filesystem::exists(state() / "libvirtd.pid");
  return ours ? "" : uri() + " is not a private libvirt of the test lab";
}

Result<std::string> virsh(std::vector<std::string> arguments) {
  std::vector<std::string> argv{"virsh", "-q", "-c", uri()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  FLYT_ASSIGN(Finished done, check({argv}, {}));
  return std::move(done.output);
}

// Runs `verbs` on everything that `list` names; what refuses one, because it is off, is fine.
Status for_all(std::vector<std::string> list, const std::vector<std::vector<std::string>>& verbs) {
  FLYT_ASSIGN(const std::string names, virsh(std::move(list)));
  std::istringstream lines(names);
  for (std::string name; std::getline(lines, name);) {
    name.erase(name.find_last_not_of(' ') + 1);  // virsh fills up some columns
    if (name.empty()) continue;
    for (const auto& verb : verbs) {
      std::vector<std::string> argv{verb.front(), name};
      argv.insert(argv.end(), verb.begin() + 1, verb.end());
      (void)virsh(argv);  // as above
    }
  }
  return ok();
}

class LibvirtPlatform final : public Platform {
 public:
  Status prepare() {
    FLYT_TRY(clean());
    const auto network = folder_ / "network.xml";
    std::ofstream(network) << "<network><name>lab</name><bridge name='flyt-lab'/></network>";
    FLYT_TRY(virsh({"net-define", network}));
    FLYT_TRY(virsh({"net-start", "lab"}));
    std::filesystem::create_directories(folder_ / "images");
    FLYT_TRY(virsh({"pool-define-as", "lab", "dir", "--target", folder_ / "images"}));
    FLYT_TRY(virsh({"pool-start", "lab"}));
    return ok();
  }
  ~LibvirtPlatform() override { (void)clean(); }  // the next one would fail on what is left

  Result<std::unique_ptr<Driver>> connect() override {
    EndpointConfig config;
    config.name = "test";
    config.driver = "libvirt";
    config.state = folder_ / "state";
    config.values = {{"uri", uri()}, {"accel", "tcg"}, {"pool", "lab"}};
    // The driver reaches the same daemon from elsewhere.
    const char* far = std::getenv("FLYT_TEST_LIBVIRT_FAR");
    const char* ssh = std::getenv("FLYT_TEST_LIBVIRT_SSH");
    if (far != nullptr && ssh != nullptr) {
      config.values["uri"] = far;
      config.values["ssh_config"] = ssh;
    }
    return virt::open(config, {});
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    const std::string uuid = random_uuid();
    std::string devices;
    for (std::size_t i = 0; i < disks.size(); ++i) {
      const std::string path = folder_ / "images" / fmt::format("{}-{}.raw", uuid, i);
      std::ofstream(path, std::ios::binary) << disks[i];
      devices += fmt::format(
          "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/>"
          "<target dev='vd{}' bus='virtio'/></disk>",
          path, static_cast<char>('a' + i));
    }
    const auto file = folder_ / (uuid + ".xml");
    std::ofstream(file) << fmt::format(
        "<domain type='qemu'><name>{}</name><uuid>{}</uuid><memory>65536</memory><vcpu>1</vcpu>"
        "<os><type>hvm</type></os><devices>{}</devices></domain>",
        name, uuid, devices);
    FLYT_TRY(virsh({"define", file}));
    return uuid;
  }

  Result<std::string> add_volume(const std::string& name, const std::string& /*kind*/,
                                 const std::string& content) override {
    const std::string path = folder_ / "images" / name;
    std::ofstream(path, std::ios::binary) << content;
    FLYT_TRY(virsh({"pool-refresh", "lab"}));
    return path;
  }

  // A daemon that takes connections and requests, and answers none.
  std::shared_ptr<void> hold() override {
    pid_t daemon = 0;
    std::ifstream(state() / "libvirtd.pid") >> daemon;
    REQUIRE(daemon > 1);
    REQUIRE(::kill(daemon, SIGSTOP) == 0);
    const auto resume = [](pid_t* pid) {
      (void)::kill(*pid, SIGCONT);
      delete pid;
    };
    return std::shared_ptr<pid_t>(new pid_t(daemon), resume);
  }

 private:
  static Status clean() {
    FLYT_TRY(for_all({"list", "--all", "--uuid"}, {{"destroy"}, {"undefine", "--nvram"}}));
    FLYT_TRY(for_all({"pool-list", "--all", "--name"}, {{"pool-destroy"}, {"pool-undefine"}}));
    return for_all({"net-list", "--all", "--name"}, {{"net-destroy"}, {"net-undefine"}});
  }

  TempDir folder_;
};

}  // namespace

Subject libvirt_subject() {
  Subject subject;
  subject.name = "libvirt";
  subject.driver = "libvirt";
  subject.missing = missing;
  subject.make = []() -> Result<std::unique_ptr<Platform>> {
    auto platform = std::make_unique<LibvirtPlatform>();
    FLYT_TRY(platform->prepare());
    return std::unique_ptr<Platform>(std::move(platform));
  };
  subject.small_data = true;
  subject.size_step = 512;
  subject.refused_in_names = "/";
  return subject;
}

TEST_CASE("libvirt conforms", "[libvirt]") { run_suite("libvirt"); }

}  // namespace flyt::tests
