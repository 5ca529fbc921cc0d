#include "tests/conformance/subject_proxmox.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/process.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/proxmox.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/proxmox_fake.hpp"

namespace flyt::tests {
namespace {

class ProxmoxPlatform final : public Platform {
 public:
  explicit ProxmoxPlatform(std::unique_ptr<ProxmoxFake> fake) : fake_(std::move(fake)) {}

  Result<std::unique_ptr<Driver>> connect() override {
    return proxmox::open(fake_->endpoint(), {});
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    const std::string vmid = fake_->api("GET", "/cluster/nextid");
    ProxmoxFake::Form form{{"vmid", vmid}, {"name", name}, {"memory", "64"}};
    for (std::size_t i = 0; i < disks.size(); ++i) {
      form.emplace_back(fmt::format("virtio{}", i), "local:0.001,format=qcow2");
    }
    fake_->api("POST", "/nodes/pve1/qemu", form);
    for (std::size_t i = 0; i < disks.size(); ++i) {
      const std::string volume = fmt::format("local:{0}/vm-{0}-disk-{1}.qcow2", vmid, i);
      const auto about =
          fake_->api("GET", "/nodes/pve1/storage/local/content/" + percent_encode(volume));
      const auto raw = fake_->folder() / "content.raw";
      std::ofstream(raw, std::ios::binary) << disks[i];
      FLYT_TRY(check({{"qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw,
                       about.at("path").get<std::string>()}},
                     {}));
    }
    return vmid;
  }

  // A server that takes connections and requests, and answers none.
  std::shared_ptr<void> hold() override {
    REQUIRE(::kill(fake_->pid(), SIGSTOP) == 0);
    const auto resume = [](int* pid) {
      (void)::kill(*pid, SIGCONT);
      delete pid;
    };
    return std::shared_ptr<int>(new int(fake_->pid()), resume);
  }

 private:
  std::unique_ptr<ProxmoxFake> fake_;
};

std::string missing() {
  if (std::getenv("FLYT_TEST_PROXMOX") == nullptr) {
    return "set FLYT_TEST_PROXMOX (./dev test proxmox does)";
  }
  return ProxmoxFake::missing();
}

}  // namespace

Subject proxmox_subject() {
  Subject subject;
  subject.name = "proxmox";
  subject.driver = "proxmox";
  subject.missing = missing;
  subject.make = []() -> Result<std::unique_ptr<Platform>> {
    FLYT_ASSIGN(auto fake, ProxmoxFake::start());
    return std::unique_ptr<Platform>(std::make_unique<ProxmoxPlatform>(std::move(fake)));
  };
  subject.empty_disks = false;  // an image has at least a sector
  subject.small_data = true;
  subject.size_step = 1024;
  subject.dns_names = true;
  return subject;
}

TEST_CASE("proxmox conforms", "[proxmox]") { run_suite("proxmox"); }

}  // namespace flyt::tests
