#include "tests/faults/plans/lands.hpp"

#include "base/digest.hpp"
#include "base/durable_file.hpp"
#include "tests/faults/plans/passing.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

class LandingTarget final : public Passing {
 public:
  LandingTarget(std::unique_ptr<Driver> driver, const Scene& scene)
      : Passing(std::move(driver)), world_(scene.to), folder_(scene.folder / "landed") {}

  DriverInfo info() const override {
    DriverInfo info = Passing::info();
    info.can = {Capability::observe, Capability::read,    Capability::write, Capability::create,
                Capability::update,  Capability::destroy, Capability::power, Capability::land};
    return info;
  }

  Result<std::vector<LandedDisk>> land(const LandSpec& spec, const Call& call) override {
    FLYT_ASSIGN(const Inventory found, Passing::inventory({spec.machine, ""}, call));
    std::vector<LandedDisk> landed;
    for (const Disk& disk : found.machines.at(0).disks) {
      const fs::path from = world_.disk(spec.machine, disk.id);
      const fs::path to = folder_ / spec.machine / disk.id;
      fs::create_directories(to.parent_path());
      FLYT_ASSIGN(const std::string content, read_file(from, 64U << 20));
      FLYT_TRY(write_durably(to, content));
      landed.push_back({disk.id, to.native(), content.size(), to_hex(sha256(content)),
                        "nobody reads it in this test"});
    }
    return landed;
  }

 private:
  const memory::WorldFolder world_;
  const fs::path folder_;
};

}  // namespace

fs::path landed_file(const Scene& scene, const std::string& machine, const std::string& disk) {
  return scene.folder / "landed" / machine / disk;
}

std::unique_ptr<Driver> landing_target(const Scene& scene) {
  return std::make_unique<LandingTarget>(Scene::open(scene.to), scene);
}

}  // namespace flyt::tests
