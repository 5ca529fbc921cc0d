#include "tests/conformance/subject_proxmox.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/durable_file.hpp"
#include "base/process.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/proxmox.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/proxmox_fake.hpp"

namespace flyt::tests {
namespace {

class ProxmoxPlatform final : public Platform {
 public:
  ProxmoxPlatform(std::unique_ptr<ProxmoxFake> fake, std::string landing)
      : fake_(std::move(fake)), landing_(std::move(landing)) {}

  Result<std::unique_ptr<Driver>> connect() override {
    EndpointConfig config = fake_->endpoint();
    config.values["landing"] = landing_;
    return proxmox::open(config, {});
  }

  Result<std::string> read_landed(const std::string& machine, std::size_t disk) override {
    const auto config = fake_->api("GET", fmt::format("/nodes/pve1/qemu/{}/config", machine));
    std::vector<std::string> volumes;
    for (const char* bus : {"ide", "sata", "scsi", "virtio"}) {
      for (unsigned i = 0; i < 31; ++i) {
        const auto slot = config.find(fmt::format("{}{}", bus, i));
        if (slot == config.end()) continue;
        const std::string text = *slot;
        volumes.push_back(text.substr(0, text.find(',')));
      }
    }
    const std::string& volume = volumes.at(disk);
    const std::string storage = volume.substr(0, volume.find(':'));
    const auto about = fake_->api(
        "GET", fmt::format("/nodes/pve1/storage/{}/content/{}", storage, percent_encode(volume)));
    const auto raw = fake_->folder() / "landed.raw";
    FLYT_TRY(check({{"qemu-img", "convert", "-O", "raw", about.at("path").get<std::string>(), raw}},
                   {}));
    return read_file(raw, 64U << 20);
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

  Result<std::string> add_volume(const std::string& name, const std::string& kind,
                                 const std::string& content) override {
    // A disk whose machine is gone.
    const std::string file = fmt::format("vm-777-{}.raw", kind);
    fake_->api("POST", "/nodes/pve1/storage/local/content",
               {{"vmid", "777"}, {"filename", file}, {"size", "1"}, {"format", "raw"}});
    const auto about = fake_->api(
        "GET", "/nodes/pve1/storage/local/content/" + percent_encode("local:777/" + file));
    const std::filesystem::path path = about.at("path").get<std::string>();
    if (kind == "disk") {
      std::ofstream(path, std::ios::binary) << content;
      return "pve1/local:777/" + file;
    }
    const auto folder = path.parent_path().parent_path().parent_path() / "template/iso";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / name, std::ios::binary) << content;
    return "pve1/local:iso/" + name;
  }

  Enrolment offers() override {
    return {.start_at_boot = true,
            .start_order = 7,
            .start_delay = 30,
            .ha = "ignored",
            .ha_group = "north",
            .backup_jobs = {"nightly"},
            .firewall = {"ssh", "web"}};
  }

  // By the API, as another client reads it.
  Enrolment enrolled(const std::string& machine) override {
    Enrolment seen;
    const auto listed = [&](const std::string& text) {
      return ("," + text + ",").find("," + machine + ",") != std::string::npos;
    };
    for (const auto& job : fake_->api("GET", "/cluster/backup")) {
      if (listed(job.value("vmid", ""))) seen.backup_jobs.push_back(job.at("id"));
    }
    for (const auto& resource : fake_->api("GET", "/cluster/ha/resources")) {
      if (resource.at("sid") != "vm:" + machine) continue;
      seen.ha = resource.at("state");
      seen.ha_group = resource.value("group", "");
    }
    const auto there = fake_->control("GET", "/left").at("vms");
    if (!there.contains(machine)) return seen;
    const std::string path = "/nodes/pve1/qemu/" + machine;
    const auto config = fake_->api("GET", path + "/config");
    seen.start_at_boot = config.value("onboot", 0) == 1;
    if (const std::string startup = config.value("startup", ""); !startup.empty()) {
      unsigned order = 0, up = 0;
      REQUIRE(std::sscanf(startup.c_str(), "order=%u,up=%u", &order, &up) == 2);
      seen.start_order = order;
      seen.start_delay = up;
    }
    for (const auto& rule : fake_->api("GET", path + "/firewall/rules")) {
      seen.firewall.push_back(rule.at("action"));
    }
    return seen;
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
  const std::string landing_;
};

std::string missing() {
  if (std::getenv("FLYT_TEST_PROXMOX") == nullptr) {
    return "set FLYT_TEST_PROXMOX (./dev test proxmox does)";
  }
  return ProxmoxFake::missing();
}

}  // namespace

namespace {

// What is there for machines to be enrolled in.
constexpr std::string_view world = R"({
  "ha_groups": [{"group": "north", "nodes": "pve1", "type": "group"}],
  "backup_jobs": [{"id": "nightly", "vmid": "4711", "schedule": "21:00", "storage": "local"}],
  "security_groups": {"ssh": "", "web": ""}
})";

Subject subject_of(std::string name, std::string landing) {
  Subject subject;
  subject.name = std::move(name);
  subject.driver = "proxmox";
  subject.missing = missing;
  subject.make = [landing = std::move(landing)]() -> Result<std::unique_ptr<Platform>> {
    FLYT_ASSIGN(auto fake, ProxmoxFake::start(world));
    return std::unique_ptr<Platform>(std::make_unique<ProxmoxPlatform>(std::move(fake), landing));
  };
  subject.empty_disks = false;  // an image has at least a sector
  subject.small_data = true;
  subject.size_step = 1024;
  subject.dns_names = true;
  return subject;
}

}  // namespace

Subject proxmox_subject() { return subject_of("proxmox", "ssh"); }

Subject proxmox_api_subject() {
  Subject subject = subject_of("proxmox, by its API alone", "api");
  subject.foreign_disks = false;
  subject.disks_only = true;
  return subject;
}

TEST_CASE("proxmox conforms", "[proxmox]") { run_suite("proxmox"); }
TEST_CASE("proxmox conforms by its API alone", "[proxmox]") {
  run_suite("proxmox, by its API alone");
}

}  // namespace flyt::tests
