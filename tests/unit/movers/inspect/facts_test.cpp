#include "movers/inspect/facts.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "movers/inspect/concerns.hpp"
#include "tests/catch.hpp"

namespace flyt::inspection {
namespace {

using Names = std::vector<std::string>;

constexpr std::uint64_t mib = 1U << 20U;

// A guest that is ready to move.
Facts ready() {
  Facts facts;
  facts.file_systems = {{"/dev/sda1", "ext4", "/", 1000 * mib, 500 * mib}};
  facts.type = "linux";
  facts.distro = "debian";
  facts.version = "12.5";
  facts.fstab = "UUID=1234 / ext4 defaults 0 1\n";
  facts.kernels = {{"6.1.0-1", true, true}};
  facts.network = {{"/etc/network/interfaces", "auto lo\niface lo inet loopback\n"}};
  facts.fallback_loader = true;
  return facts;
}

// A Windows that is ready to move.
Facts ready_windows() {
  Facts facts;
  facts.file_systems = {{"/dev/sda1", "ntfs", {}, {}, {}},
                        {"/dev/sda2", "ntfs", "/", 1000 * mib, 500 * mib}};
  facts.type = facts.distro = "windows";
  facts.version = "10.0";
  facts.windows = Windows{.product = "Windows Server 2019 Standard",
                          .variant = "Server Core",
                          .build = "17763",
                          .boot_drivers = {"viostor", "vioscsi"}};
  return facts;
}

Names codes(const Facts& facts, bool uefi = false) {
  Names all;
  for (const Concern& one : judge(facts, "web01", uefi)) {
    CHECK(one.machine == "web01");
    CHECK_FALSE(one.text.empty());
    if (one.severity != Severity::info) CHECK_FALSE(one.remedy.empty());
    all.push_back(one.code);
  }
  return all;
}

template <typename Change>
Names codes_when(Change change, bool uefi = false) {
  Facts facts = ready();
  change(facts);
  return codes(facts, uefi);
}

}  // namespace

TEST_CASE("a guest that is ready is only described") {
  const auto found = judge(ready(), "web01", true);
  REQUIRE(found.size() == 1);
  CHECK(found[0].code == "I-SYSTEM");
  CHECK(found[0].text == "debian 12.5; / ext4 1000 MiB, 500 MiB free; virtio is in the initramfs");
}

TEST_CASE("each thing inside a guest that hinders is a concern") {
  CHECK(codes_when([](Facts& f) { f.fstab = "/dev/sda1 / ext4 defaults 0 1\n"; }) ==
        Names{"I-FSTAB", "I-SYSTEM"});
  CHECK(codes_when([](Facts& f) { f.cloud_init = true; }) == Names{"I-CLOUD-INIT", "I-SYSTEM"});
  CHECK(codes_when([](Facts& f) { f.fallback_loader = false; }, true) ==
        Names{"I-NO-FALLBACK", "I-SYSTEM"});
  CHECK(codes_when([](Facts& f) { f.fallback_loader.reset(); }, true) == Names{"I-SYSTEM"});
  CHECK(codes_when([](Facts& f) { f.fallback_loader = false; }) == Names{"I-SYSTEM"});
  CHECK(codes_when([](Facts& f) { f.file_systems[0].free_bytes = 100 * mib - 1; }) ==
        Names{"I-SPACE", "I-SYSTEM"});
  CHECK(codes_when([](Facts& f) { f.file_systems[0].free_bytes = 100 * mib; }) ==
        Names{"I-SYSTEM"});
  CHECK(codes_when([](Facts& f) {
          f.file_systems.push_back({"/dev/sdb", "crypto_LUKS", {}, {}, {}});
        }) == Names{"I-LUKS", "I-SYSTEM"});
  CHECK(codes_when([](Facts& f) {
          f.file_systems.push_back({"/dev/sdb1", "BitLocker", {}, {}, {}});
        }) == Names{"I-BITLOCKER", "I-SYSTEM"});
  CHECK(codes(Facts(), true) == Names{"I-NO-SYSTEM"});
}

TEST_CASE("one kernel with virtio is enough, and none known is no concern") {
  const Kernel with{"6.1", true, {}}, without{"3.2", false, false};
  CHECK(codes_when([&](Facts& f) { f.kernels = {without}; }) == Names{"I-NO-VIRTIO", "I-SYSTEM"});
  CHECK(codes_when([&](Facts& f) { f.kernels = {without, with}; }) == Names{"I-SYSTEM"});
  CHECK(codes_when([&](Facts& f) { f.kernels.clear(); }) == Names{"I-SYSTEM"});
}

TEST_CASE("a Windows that is ready is only described") {
  const auto found = judge(ready_windows(), "web01", true);
  REQUIRE(found.size() == 1);
  CHECK(found[0].code == "I-SYSTEM");
  CHECK(found[0].text ==
        "Windows Server 2019 Standard (Server Core) 10.0 build 17763; the volume of Windows ntfs "
        "1000 MiB, 500 MiB free; it starts with viostor, vioscsi");
  Facts bare = ready_windows();
  bare.windows = Windows();
  bare.version = "0.0";
  bare.file_systems.clear();
  CHECK(judge(bare, "web01", true)[0].text == "windows 0.0");
}

TEST_CASE("each thing inside Windows that hinders is a concern, in the order of the codes") {
  const auto codes_with = [](auto change) {
    Facts facts = ready_windows();
    change(*facts.windows);
    return codes(facts);
  };
  CHECK(codes_with([](Windows& w) { w.universal_clock = true; }) == Names{"I-CLOCK", "I-SYSTEM"});
  CHECK(codes_with([](Windows& w) { w.policies = {"DenyDeviceIDs"}; }) ==
        Names{"I-DRIVER-POLICY", "I-SYSTEM"});
  CHECK(codes_with([](Windows& w) { w.dynamic_disk = true; }) ==
        Names{"I-DYNAMIC-DISK", "I-SYSTEM"});
  CHECK(codes_with([](Windows& w) { w.hibernated = true; }) == Names{"I-HIBERNATED", "I-SYSTEM"});
  CHECK(codes_with([](Windows& w) { w.unclean = true; }) == Names{"I-SYSTEM", "I-UNCLEAN"});
  CHECK(codes_with([](Windows& w) { w.hibernated = w.unclean = true; }) ==
        Names{"I-HIBERNATED", "I-SYSTEM"});
  CHECK(codes_with([](Windows& w) { w.restart_signs = {"pending.xml"}; }) ==
        Names{"I-REBOOT-PENDING", "I-SYSTEM"});
  Facts all = ready_windows();
  all.windows->universal_clock = all.windows->hibernated = true;
  all.file_systems[0].type = "BitLocker";
  all.file_systems[1].free_bytes = 100 * mib - 1;
  CHECK(codes(all) == Names{"I-BITLOCKER", "I-CLOCK", "I-HIBERNATED", "I-SPACE", "I-SYSTEM"});
}

TEST_CASE("Windows before 10 and Server 2016 is old, and an unknown version is not") {
  const auto is_old = [](const char* version) {
    Facts facts = ready_windows();
    facts.version = version;
    return codes(facts) == Names{"I-OLD-WINDOWS", "I-SYSTEM"};
  };
  for (const char* version : {"4.0", "5.2", "6.0", "6.1", "6.2", "6.3"}) CHECK(is_old(version));
  for (const char* version : {"10.0", "11.0", "0.0", "", "6", "6.", ".", "x.1"}) {
    CHECK_FALSE(is_old(version));
  }
  CHECK(codes_when([](Facts& f) { f.version = "6.1"; }) == Names{"I-SYSTEM"});
}

TEST_CASE("interfaces with a fixed address by name are found in every kind of file") {
  const auto names = [](const std::string& path, const std::string& text) {
    return named_interfaces({path, text});
  };
  const std::string debian = "/etc/network/interfaces";
  CHECK(names(debian,
              "iface lo inet loopback\niface ens192 inet static\n address 10.0.0.1\n"
              "iface ens224 inet dhcp\n  iface eth1 inet6 static\n") == Names{"ens192", "eth1"});
  const std::string netplan = "/etc/netplan/50.yaml";
  const std::string block = "network:\n  ethernets:\n    ens192:\n";
  CHECK(names(netplan, block + "      addresses: [10.0.0.1/24]\n") == Names{"ens192"});
  CHECK(names(netplan, block + "      dhcp4: true\n").empty());
  CHECK(names(netplan, block + "      match:\n        macaddress: 00:50:56:00:00:01\n"
                               "      addresses: [10.0.0.1/24]\n")
            .empty());
  const std::string ifcfg = "/etc/sysconfig/network-scripts/ifcfg-ens192";
  CHECK(names(ifcfg, "DEVICE=\"ens192\"\nIPADDR=10.0.0.1\n") == Names{"ens192"});
  CHECK(names(ifcfg, "DEVICE=ens192\nBOOTPROTO=dhcp\n").empty());
  CHECK(names(ifcfg, "DEVICE=ens192\nIPADDR=10.0.0.1\nHWADDR=00:50:56:00:00:01\n").empty());
  const std::string manager = "/etc/NetworkManager/system-connections/lan.nmconnection";
  CHECK(names(manager, "[connection]\ninterface-name=ens192\n[ipv4]\nmethod=manual\n") ==
        Names{"ens192"});
  CHECK(names(manager, "interface-name=ens192\nmethod=auto\n").empty());
  const std::string systemd = "/etc/systemd/network/10.network";
  CHECK(names(systemd, "[Match]\nName=ens192\n[Network]\nAddress=10.0.0.1/24\n") ==
        Names{"ens192"});
  CHECK(names(systemd, "[Match]\nName=ens192\n[Network]\nDHCP=yes\n").empty());
  CHECK(names(debian, std::string(100000, 'x')).empty());
}

TEST_CASE("devices that change their names are found in fstab") {
  CHECK(
      unstable_devices("# /dev/sda9 /old ext4 defaults 0 0\n"
                       "/dev/sda1 / ext4 defaults 0 1\n"
                       "/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0 /data xfs defaults 0 0\n"
                       "/dev/nvme0n1p1 /boot ext4 defaults 0 0\n"
                       "/dev/mapper/vg-root /srv ext4 defaults 0 0\n"
                       "UUID=1234 /home ext4 defaults 0 0\n"
                       "LABEL=x /x ext4 defaults 0 0\ntmpfs /tmp tmpfs size=1G 0 0\n\nrubbish\n") ==
      Names{"/dev/sda1", "/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:1:0", "/dev/nvme0n1p1"});
}

TEST_CASE("space is read from what statvfs prints, or not known") {
  FileSystem one;
  take_space("bsize: 4096\nfrsize: 1024\nblocks: 1000\nbfree: 500\nbavail: 400\n", one);
  CHECK(one.size_bytes == 1024000U);
  CHECK(one.free_bytes == 409600U);
  FileSystem none;
  take_space("frsize: 1024\nblocks: many\nbavail: 400\n", none);
  CHECK_FALSE(none.free_bytes);
}

TEST_CASE("the concerns about the inside stand in order, with a remedy for each warning") {
  std::string last;
  for (const ConcernKind& kind : inside_concern_kinds()) {
    CHECK(std::string(kind.code) > last);
    last = kind.code;
    CHECK(inside_concern(kind.code, "m", "t").severity == kind.severity);
  }
}

}  // namespace flyt::inspection
