// What is seen of disks, and whose they are when a machine is removed.
#include <filesystem>
#include <fstream>

#include "tests/libvirt/lab_machines.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

// A machine off, by hand, with these files as its disks.
std::string define(LibvirtLab& lab, const std::string& name, const std::string& devices) {
  const TempDir dir;
  std::ofstream(dir / "domain.xml")
      << "<domain type='qemu'><name>" << name << "</name><memory>65536</memory><vcpu>1</vcpu>"
      << "<os><type>hvm</type></os><devices>" << devices << "</devices></domain>";
  lab.virsh({"define", dir / "domain.xml"});
  std::string uuid = lab.virsh({"domuuid", name});
  uuid.erase(uuid.find_last_not_of(" \n") + 1);
  return uuid;
}

std::string disk_of(const std::string& path, const std::string& target = "vda") {
  return "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='" + path +
         "'/><target dev='" + target + "' bus='virtio'/></disk>";
}

TEST_CASE("libvirt: looking leaves a pool in service that cannot be read now", "[libvirt]") {
  FLYT_LAB();
  const fs::path away = lab.images().native() + ".away";
  fs::rename(lab.images(), away);
  const auto seen = driver->inventory({}, in_time());
  const std::string pools = lab.virsh({"pool-list", "--name"});
  fs::rename(away, lab.images());
  CHECK(code_of(seen) == "ok");
  CHECK(pools.find("default") != std::string::npos);
}

TEST_CASE("libvirt: free space is that of now", "[libvirt]") {
  FLYT_LAB();
  const auto seen = driver->inventory({}, in_time());
  REQUIRE(code_of(seen) == "ok");
  const auto space = fs::space(lab.images());
  CHECK(seen->storages.at(0).size_bytes == space.capacity);
}

TEST_CASE("libvirt: the stamp of a disk changes with its bytes", "[libvirt]") {
  FLYT_LAB();
  const TempDir dir;
  const std::string outside = dir / "outside.raw";
  std::ofstream(outside) << std::string(1 << 20, 'a');
  const std::string inside = lab.images() / "inside.raw";
  lab.virsh({"vol-create-as", "default", "inside.raw", "1M", "--format", "raw"});
  const std::string id =
      define(lab, "stamped", disk_of(inside) + disk_of(outside, "vdb") + disk_of("/none", "vdc"));
  const auto stamps = [&] {
    const auto seen = driver->inventory({id, ""}, in_time());
    REQUIRE(code_of(seen) == "ok");
    std::vector<std::string> all;
    for (const Disk& disk : seen->machines.at(0).disks) all.push_back(disk.stamp);
    return all;
  };
  const auto before = stamps();
  REQUIRE(before.size() == 3);
  CHECK_FALSE(before[0].empty());
  CHECK_FALSE(before[1].empty());
  CHECK(before[2].empty());
  CHECK(stamps() == before);
  const auto machines = driver->inventory({}, in_time());
  REQUIRE(code_of(machines) == "ok");
  CHECK(machines->machines.at(0).disks.at(0).stamp == before[0]);
  for (const std::string& path : {inside, outside}) {
    const auto time = fs::last_write_time(path);
    CHECK(check({{"dd", "if=/dev/zero", "of=" + path, "bs=512", "count=1", "conv=notrunc"}},
                in_time()));
    fs::last_write_time(path, time);
  }
  const auto after = stamps();
  CHECK(after[0] != before[0]);
  CHECK(after[1] != before[1]);
  CHECK(stamps() == after);
}

TEST_CASE("libvirt: a disk that was there before is not taken for empty", "[libvirt]") {
  FLYT_LAB();
  const std::string name = "web01." + owner.id + ".0.raw";
  lab.virsh({"vol-create-as", "default", name, "1M", "--format", "raw", "--allocation", "0"});
  const bool used = GENERATE(true, false);
  if (used) {
    std::fstream(lab.images() / name, std::ios::in | std::ios::out | std::ios::binary) << "old";
  }
  const Machine made = make(*driver, spec_of("web01", Bus::virtio_blk, "", 1));
  auto channel = driver->open({made.id, made.disks[0].id, "", "", Use::write, owner}, in_time());
  REQUIRE(code_of(channel) == "ok");
  CHECK((*channel)->info().reads_zero != used);
  CHECK(code_of((*channel)->close(in_time())) == "ok");
}

TEST_CASE("libvirt: a volume that was removed by hand is made anew", "[libvirt]") {
  FLYT_LAB();
  const MachineSpec spec = spec_of("web01", Bus::virtio_blk, "", 1);
  const Machine made = make(*driver, spec);
  lab.virsh({"undefine", made.id});
  fs::remove(made.disks[0].id);
  CHECK(make(*driver, spec).disks[0].id == made.disks[0].id);
  CHECK(fs::exists(made.disks[0].id));
}

TEST_CASE("libvirt: a volume that is another is left, with the way out", "[libvirt]") {
  FLYT_LAB();
  const std::string name = "web01." + owner.id + ".0.raw";
  std::ofstream(lab.images() / name) << std::string(512, 'x');  // an empty one is made anew
  lab.virsh({"pool-refresh", "default"});
  const MachineSpec spec = spec_of("web01", Bus::virtio_blk, "");
  const auto made = driver->create_machine(spec, in_time());
  REQUIRE(refuses(made, Errc::exists));
  REQUIRE(made.error().remedy.size() == 1);
  CHECK(made.error().remedy[0] == "virsh vol-delete " + (lab.images() / name).native());
  CHECK(fs::exists(lab.images() / name));
  lab.virsh({"vol-delete", lab.images() / name});
  CHECK(code_of(driver->create_machine(spec, in_time())) == "ok");
}

TEST_CASE("libvirt: destroy leaves disks that another machine has", "[libvirt]") {
  FLYT_LAB();
  const Machine made = make(*driver, spec_of("web01", Bus::virtio_blk, "", 1));
  const bool gone = GENERATE(true, false);
  if (gone) lab.virsh({"undefine", made.id});
  const std::string other_id = define(lab, "by-hand", disk_of(made.disks[0].id));
  const Status refused = driver->destroy(made.id, owner, in_time());
  REQUIRE(refuses(refused, Errc::denied));
  CHECK(refused.error().what.find("by-hand") != std::string::npos);
  CHECK(fs::exists(made.disks[0].id));
  CHECK((lab.virsh({"list", "--all", "--uuid"}).find(made.id) == std::string::npos) == gone);

  lab.virsh({"undefine", other_id});
  CHECK(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(fs::is_empty(lab.images()));
}

TEST_CASE("libvirt: destroy removes its own console log and no other file", "[libvirt]") {
  FLYT_LAB();
  const Machine made = make(*driver, spec_of("web01", Bus::virtio_blk, "", 1));
  const fs::path own = lab.images() / ("web01." + owner.id + ".console");
  std::ofstream(own) << "started";
  SECTION("the machine is gone") { lab.virsh({"undefine", made.id}); }
  SECTION("somebody has put another log into the machine") {
    const fs::path precious = lab.images() / "precious";
    std::ofstream(precious) << "data";
    std::string xml = lab.virsh({"dumpxml", "--inactive", made.id});
    for (auto at = xml.find(own.native()); at != std::string::npos; at = xml.find(own.native())) {
      xml.replace(at, own.native().size(), precious.native());
    }
    const TempDir dir;
    std::ofstream(dir / "domain.xml") << xml;
    lab.virsh({"define", dir / "domain.xml"});
    CHECK(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
    CHECK(fs::exists(precious));
    fs::remove(precious);
  }
  CHECK(code_of(driver->destroy(made.id, owner, in_time())) == "ok");
  CHECK(fs::is_empty(lab.images()));
}

}  // namespace
}  // namespace flyt::tests
