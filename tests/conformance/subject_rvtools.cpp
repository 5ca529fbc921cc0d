#include "tests/conformance/subject_rvtools.hpp"

#include <fmt/format.h>

#include "drivers/rvtools/rvtools.hpp"
#include "tests/catch.hpp"
#include "tests/rvtools_export.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

class RvtoolsPlatform final : public Platform {
 public:
  RvtoolsPlatform() {
    tabs_["vInfo"] = {{"VM", "Powerstate", "CPUs", "Memory", "Disks", "VM ID", "VM UUID"}};
    tabs_["vDisk"] = {{"VM", "Disk", "Disk Key", "Capacity MiB", "VM ID"}};
  }

  Result<std::unique_ptr<Driver>> connect() override {
    write_csv_files(folder_.path(), tabs_);
    EndpointConfig config;
    config.name = "test";
    config.driver = "rvtools";
    config.values["path"] = folder_.path();
    return rvtools::open(config, {});
  }

  Result<std::string> add_source(const std::string& name,
                                 const std::vector<std::string>& disks) override {
    const std::string id = fmt::format("vm-{}", tabs_["vInfo"].size());
    tabs_["vInfo"].push_back(
        {name, "poweredOff", "1", "256", fmt::format("{}", disks.size()), id, "uuid-of-" + id});
    for (std::size_t i = 0; i < disks.size(); ++i) {
      const double size = static_cast<double>(disks[i].size()) / (1 << 20);
      tabs_["vDisk"].push_back({name, fmt::format("Hard disk {}", i + 1),
                                fmt::format("{}", 2000 + i), fmt::format("{:.12f}", size), id});
    }
    return id;
  }

 private:
  TempDir folder_;
  Tabs tabs_;
};

}  // namespace

Subject rvtools_subject() {
  Subject subject;
  subject.name = "rvtools";
  subject.driver = "rvtools";
  subject.make = []() -> Result<std::unique_ptr<Platform>> {
    return std::unique_ptr<Platform>(std::make_unique<RvtoolsPlatform>());
  };
  return subject;
}

TEST_CASE("an export of RVTools conforms") { run_suite("rvtools"); }

}  // namespace flyt::tests
