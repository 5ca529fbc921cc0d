#include "tests/conformance/subject_saved.hpp"

#include <fmt/format.h>

#include "base/durable_file.hpp"
#include "base/inventory_json.hpp"
#include "drivers/saved/saved.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

class SavedPlatform final : public Platform {
 public:
  SavedPlatform() {
    inventory_.platform = "a platform";
    inventory_.platform_id = "5a7ed000-conformance";
  }

  Result<std::unique_ptr<Driver>> connect() override {
    FLYT_TRY(write_durably(folder_ / "saved.json", inventory_text(inventory_)));
    EndpointConfig config;
    config.name = "test";
    config.driver = "saved";
    config.values["path"] = "saved.json";
    config.folder = folder_.path();
    return saved::open(config, {});
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    Machine machine;
    machine.id = fmt::format("vm-{}", inventory_.machines.size());
    machine.uuid = "uuid of " + machine.id;
    machine.name = name;
    machine.power = Power::off;
    for (const std::string& content : disks) {
      Disk disk;
      disk.id = fmt::format("{}", 2000 + machine.disks.size());
      disk.size_bytes = content.size();
      machine.disks.push_back(std::move(disk));
    }
    inventory_.machines.push_back(machine);
    return machine.id;
  }

 private:
  TempDir folder_;
  Inventory inventory_;
};

}  // namespace

Subject saved_subject() {
  Subject subject;
  subject.name = "saved";
  subject.driver = "saved";
  subject.make = []() -> Result<std::unique_ptr<Platform>> {
    return std::unique_ptr<Platform>(std::make_unique<SavedPlatform>());
  };
  return subject;
}

TEST_CASE("a saved inventory conforms") { run_suite("saved"); }

}  // namespace flyt::tests
