#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <thread>

#include "tests/libvirt/lab_machines.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& folder) {
  std::error_code gone;
  const auto files = fs::directory_iterator(folder, gone);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// When to kill the daemon, while a machine of two disks is made.
struct Moment {
  std::string name;
  std::function<bool(const LibvirtLab& lab)> is_reached;
};

std::vector<Moment> moments() {
  std::vector<Moment> all;
  for (std::size_t files = 1; files <= 2; ++files) {
    all.push_back({std::to_string(files) + " of its disks are there",
                   [files](const LibvirtLab& lab) { return files_in(lab.images()) >= files; }});
  }
  all.push_back({"it is defined", [](const LibvirtLab& lab) {
                   return fs::exists(lab.images().parent_path() / "etc/qemu/web01.xml");
                 }});
  for (const int milliseconds : {0, 2, 5, 10, 15, 20, 30, 50}) {
    const auto start = std::make_shared<std::optional<std::chrono::steady_clock::time_point>>();
    all.push_back({std::to_string(milliseconds) + " ms have passed",
                   [start, milliseconds](const LibvirtLab&) {
                     const auto now = std::chrono::steady_clock::now();
                     if (!*start) *start = now;
                     return now - **start >= std::chrono::milliseconds(milliseconds);
                   }});
  }
  return all;
}

TEST_CASE("libvirt: a daemon that dies while it makes a machine leaves none twice", "[libvirt]") {
  FLYT_LAB();
  for (const std::string format : {"raw", "qcow2"}) {
    MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
    for (DiskSpec& disk : spec.disks) disk.format = format;
    for (const Moment& moment : moments()) {
      INFO(format << ", killed when " << moment.name);
      REQUIRE(code_of(driver->inventory({}, in_time())) == "ok");  // it is connected
      std::optional<Result<Machine>> first;
      std::atomic<bool> over = false;
      std::thread maker([&] {
        first = driver->create_machine(spec, in_time());
        over = true;
      });
      while (!over && !moment.is_reached(lab)) std::this_thread::yield();
      lab.kill_daemon();
      maker.join();
      lab.start_daemon();
      const Machine made = make(*driver, spec);
      UNSCOPED_INFO("the first answer: " << code_of(*first));
      if (*first) CHECK((*first)->id == made.id);
      const auto seen = driver->inventory({"", owner.id}, in_time());
      REQUIRE(code_of(seen) == "ok");
      CHECK(seen->machines.size() == 1);
      CHECK(seen->volumes.empty());
      CHECK(files_in(lab.images()) == 2);
      CHECK(make(*driver, spec).id == made.id);
      REQUIRE(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
      REQUIRE(fs::is_empty(lab.images()));
    }
  }
}

// libvirt makes a file and then gives it its size; QEMU writes its header in several pieces.
TEST_CASE("libvirt: a disk that was only begun is made anew", "[libvirt]") {
  FLYT_LAB();
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "", 1);
  spec.disks[0].format = GENERATE("raw", "qcow2");
  const auto file = lab.images() / ("web01." + owner.id + ".0." + spec.disks[0].format);
  std::ofstream(file, std::ios::binary).close();
  lab.virsh({"pool-refresh", "default"});
  const Machine made = make(*driver, spec);
  CHECK(made.disks.at(0).size_bytes == 1U << 20);
  CHECK(made.disks.at(0).format == spec.disks[0].format);
  CHECK(files_in(lab.images()) == 1);
}

TEST_CASE("libvirt: a disk that holds something is not made anew", "[libvirt]") {
  FLYT_LAB();
  MachineSpec spec = spec_of("web01", Bus::virtio_blk, "", 1);
  spec.disks[0].format = GENERATE("raw", "qcow2");
  const auto file = lab.images() / ("web01." + owner.id + ".0." + spec.disks[0].format);
  std::ofstream(file, std::ios::binary) << "x";
  lab.virsh({"pool-refresh", "default"});
  CHECK(refuses(driver->create_machine(spec, in_time()), Errc::exists));
  CHECK(fs::file_size(file) == 1);
}

}  // namespace
}  // namespace flyt::tests
