#include "tests/conformance/subject_memory.hpp"

#include <fstream>

#include "base/process.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

class MemoryPlatform final : public Platform {
 public:
  MemoryPlatform(Wrap wrap, const memory::Habits& habits)
      : wrap_(std::move(wrap)), folder_(folder_of_test_ / "world") {
    memory::World world = memory::empty_world("2f1c1a52-conformance");
    world.habits = habits;
    world.choices.backup_jobs = std::vector<std::string>{"nightly"};
    world.choices.firewall = std::vector<std::string>{"web", "ssh"};
    world.ground.findings = {{"the lamp is out", {"switch it on"}, false}};
    written_ = folder_.write(world);
  }

  Result<std::unique_ptr<Driver>> connect() override {
    FLYT_TRY(std::exchange(written_, ok()));
    EndpointConfig config;
    config.name = "test";
    config.driver = "memory";
    config.values["world"] = folder_.path();
    FLYT_ASSIGN(auto driver, memory::open(config, {}));
    return wrap_ ? wrap_(std::move(driver)) : std::move(driver);
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    FLYT_ASSIGN(memory::LockedWorld locked, folder_.lock({}));
    std::vector<memory::SeededDisk> shapes;
    shapes.reserve(disks.size());
    for (const std::string& disk : disks) shapes.push_back({disk.size()});
    const std::string id = memory::add_machine(locked.world, name, shapes).id;
    for (std::size_t i = 0; i < disks.size(); ++i) {
      const auto file = folder_.disk(id, locked.world.machine(id)->disks[i].id);
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << disks[i];
    }
    FLYT_TRY(locked.save());
    return id;
  }

  Result<std::string> add_volume(const std::string& name, const std::string& kind,
                                 const std::string& content) override {
    FLYT_ASSIGN(memory::LockedWorld locked, folder_.lock({}));
    const Machine volume = memory::add_volume(locked.world, name, kind, {content.size()});
    const auto file = folder_.disk(volume.id, volume.disks.front().id);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    FLYT_TRY(locked.save());
    return volume.disks.front().id;
  }

  Enrolment offers() override {
    return {.start_at_boot = true, .backup_jobs = {"nightly"}, .firewall = {"web", "ssh"}};
  }
  Enrolment enrolled(const std::string& machine) override {
    auto locked = folder_.lock({});
    return locked ? locked->world.inside[machine].enrolled : Enrolment();
  }

  std::shared_ptr<void> hold() override {
    auto locked = folder_.lock({});
    if (!locked) return {};
    return std::make_shared<memory::LockedWorld>(*std::move(locked));
  }

 private:
  Wrap wrap_;
  TempDir folder_of_test_;
  memory::WorldFolder folder_;
  Status written_;
};

}  // namespace

Subject memory_subject(std::string name, const Wrap& wrap, const memory::Habits& habits) {
  Subject subject;
  subject.name = std::move(name);
  subject.driver = "memory";
  subject.hindered = true;
  subject.settle_time = 2 * habits.settle;
  subject.size_step = habits.round_bytes;
  subject.missing = [] {
    return std::string(find_program("nbdkit") ? "" : "nbdkit is not installed");
  };
  subject.make = [wrap, habits]() -> Result<std::unique_ptr<Platform>> {
    return std::unique_ptr<Platform>(std::make_unique<MemoryPlatform>(wrap, habits));
  };
  return subject;
}

TEST_CASE("memory conforms", "[nbdkit][tsan]") {
  static const Subject memory = memory_subject();
  run_suite(memory);
}

}  // namespace flyt::tests
