#include "tests/conformance/subject_vsphere.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/identity.hpp"
#include "drivers/vsphere/vsphere.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"
#include "tests/vsphere/vsphere_lab.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// As long as it lives, every call waits in the lab.
struct Held {
  explicit Held(VsphereLab& of) : lab(of) {
    lab.control("POST", "/faults", {{"kind", "slowMethod"}, {"delayMs", 60'000}, {"count", -1}});
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { lab.control("DELETE", "/faults"); }
  VsphereLab& lab;
};

// The lab takes machines only when it starts: it is started when somebody first looks, and again
// when there is one more, with the same identities.
class VspherePlatform final : public Platform {
 public:
  explicit VspherePlatform(bool by_vddk) : by_vddk_(by_vddk) {}

  Result<std::unique_ptr<Driver>> connect() override {
    if (!lab_) {
      FLYT_ASSIGN(lab_, VsphereLab::start(description_.dump(), {"-task-delay", "5ms"}));
    }
    return vsphere::open(by_vddk_ ? lab_->endpoint_by_vddk() : lab_->endpoint(), {});
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    json shapes = json::array();
    for (std::size_t i = 0; i != disks.size(); ++i) {
      const fs::path file = folder_ / fmt::format("{}-{}.raw", name, i);
      std::ofstream(file, std::ios::binary) << disks[i];
      shapes.push_back({{"path", file.native()}, {"uuid", random_uuid()}});
    }
    description_["machines"].push_back({{"name", name},
                                        {"uuid", random_uuid()},
                                        {"instanceUuid", random_uuid()},
                                        {"disks", shapes}});
    lab_.reset();
    FLYT_ASSIGN(const auto driver, connect());
    FLYT_ASSIGN(const Inventory found, driver->inventory({}, {}));
    for (const Machine& one : found.machines) {
      if (one.name == name) return one.id;
    }
    return Error{Errc::internal, fmt::format("the lab does not show {}", name)};
  }

  Status write_source(const std::string& machine, std::size_t disk, std::uint64_t offset,
                      std::string_view data) override {
    std::string hex;
    for (const char c : data) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    const json state = lab_->control("GET", "/state").at("machines");
    for (const auto& [name, one] : state.items()) {
      if (one.at("moref") != machine) continue;
      lab_->control(
          "POST", "/write",
          {{"vm", name}, {"disk", disk}, {"offset", offset}, {"hex", hex}, {"force", true}});
      return ok();
    }
    return Error{Errc::not_found, fmt::format("the lab has no machine {}", machine)};
  }

  std::shared_ptr<void> hold() override { return std::make_shared<Held>(*lab_); }

 private:
  const bool by_vddk_;
  TempDir folder_;
  json description_ = {{"machines", json::array()}};
  std::unique_ptr<VsphereLab> lab_;
};

std::string missing() {
  if (std::getenv("FLYT_TEST_VSPHERE") == nullptr) {
    return "set FLYT_TEST_VSPHERE (./dev test vsphere does)";
  }
  static const auto lab = VsphereLab::start(R"({"machines":[]})").map([](const auto&) {});
  return lab ? "" : lab.error().what + ": " + lab.error().seen;
}

Subject subject_of(std::string name, bool by_vddk) {
  Subject subject;
  subject.name = std::move(name);
  subject.driver = "vsphere";
  subject.missing = missing;
  subject.make = [by_vddk]() -> Result<std::unique_ptr<Platform>> {
    return std::unique_ptr<Platform>(std::make_unique<VspherePlatform>(by_vddk));
  };
  subject.empty_disks = false;  // no VMDK can be empty
  subject.hindered = true;      // the names of its hosts lead nowhere
  return subject;
}

}  // namespace

Subject vsphere_subject() { return subject_of("vsphere", false); }
Subject vsphere_vddk_subject() { return subject_of("vsphere, by VDDK", true); }

TEST_CASE("vsphere conforms", "[vsphere]") { run_suite("vsphere"); }
TEST_CASE("vsphere conforms by VDDK", "[vsphere]") { run_suite("vsphere, by VDDK"); }

}  // namespace flyt::tests
