#include <fmt/format.h>

#include <filesystem>

#include "base/digest.hpp"
#include "tests/catch.hpp"
#include "tests/unit/drivers/ova/shelf.hpp"

using namespace flyt;
using flyt::tests::concern;
using flyt::tests::disk;
using flyt::tests::drained;
using flyt::tests::one_disk;
using flyt::tests::PackageMaker;
using flyt::tests::Shelf;
using flyt::tests::VmdkMaker;

namespace fs = std::filesystem;

TEST_CASE("An OVA is found, with its machine and disk", "[ova]") {
  const Shelf shelf;
  shelf.put("web01.ova", one_disk().ova());
  const Inventory found = shelf.inventory();
  CHECK(found.driver == "ova");
  CHECK(found.endpoint == "ova");
  CHECK(found.platform_id == "ova");
  REQUIRE(found.networks.size() == 1);
  CHECK(found.networks[0].name == "VM Network");
  REQUIRE(found.machines.size() == 1);
  const Machine& machine = found.machines.front();
  CHECK(machine.id == "web01.ova");
  CHECK(machine.name == "web01");
  CHECK(machine.uuid == to_hex(sha256(one_disk().descriptor())));
  CHECK(machine.unreadable.empty());
  REQUIRE(machine.disks.size() == 1);
  CHECK(machine.disks[0].size_bytes == disk().size());
  CHECK(machine.disks[0].format == "vmdk-stream");
  CHECK(machine.disks[0].left_out.empty());
  CHECK_FALSE(machine.disks[0].stream_only);
  const Concern* digest = concern(machine, "O-DIGEST");
  REQUIRE(digest != nullptr);
  CHECK(digest->text ==
        "the manifest lists a SHA256 of web01-disk1.vmdk; it is checked when the disk is read");
  CHECK(concern(machine, "O-MANIFEST") == nullptr);
}

TEST_CASE("OVF folders and nested folders are found", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  for (const auto& entry : maker.entries()) shelf.put("rack/" + entry.name, entry.content);
  maker.name = "web02";
  shelf.put("web02.ova", maker.ova());
  shelf.put("web02.ova.gz", tests::gzip(maker.ova()));
  shelf.put("notes.txt", "not a package");
  shelf.put("web02.cert", "nor this");
  const Inventory found = shelf.inventory();
  REQUIRE(found.machines.size() == 3);
  CHECK(found.machines[0].id == "rack/web01.ovf");
  CHECK(found.machines[0].folder == "rack");
  CHECK(found.machines[0].disks.at(0).left_out.empty());
  CHECK(found.machines[1].id == "web02.ova");
  CHECK(found.machines[2].id == "web02.ova.gz");
  CHECK_THAT(found.machines[2].unreadable, Catch::Matchers::Contains("compressed as a whole"));
  const auto opened = shelf.open("web02.ova.gz");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::unsupported);
  REQUIRE(opened.error().remedy.size() == 1);
  CHECK_THAT(opened.error().remedy[0], Catch::Matchers::Contains("gunzip"));
}

TEST_CASE("The path may be one package, and must be something", "[ova]") {
  const Shelf one("packages/web01.ova");
  one.put("web01.ova", one_disk().ova());
  one.put("web02.ova", "not looked at");
  CHECK(one.inventory().machines.size() == 1);
  const Shelf none("nowhere");
  const auto missing = none.driver->inventory({}, {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  const Shelf text("packages/notes.txt");
  text.put("notes.txt", "x");
  const auto wrong = text.driver->inventory({}, {});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == Errc::invalid);
}

TEST_CASE("A scope narrows the inventory", "[ova]") {
  const Shelf shelf;
  shelf.put("web01.ova", one_disk().ova());
  CHECK(shelf.inventory({"web01.ova", ""}).machines.size() == 1);
  CHECK(shelf.inventory({"", "flyt-aaaaaaaaaaaaaaaaaaaa"}).machines.empty());
  const auto other = shelf.driver->inventory({"web02.ova", ""}, {});
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::not_found);
}

TEST_CASE("A file name may hold a '#'", "[ova]") {
  const Shelf shelf;
  PackageMaker maker;
  maker.disks = {{"disk.raw.gz", tests::gzip(disk()), disk().size(), "raw"}};
  shelf.put("web#1.ova", maker.ova());
  REQUIRE(shelf.only_machine().id == "web#1.ova");
  CHECK(shelf.inventory({"web#1.ova", ""}).machines.size() == 1);
  CHECK(shelf.open("web#1.ova"));
}

TEST_CASE("A disk's stamp is another one after its file was written", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  std::string name = "web01.ova", file = name;
  SECTION("in an OVA") { shelf.put(name, maker.ova()); }
  SECTION("in a folder") {
    name = "rack/web01.ovf";
    file = "rack/web01-disk1.vmdk";
    for (const auto& entry : maker.entries()) shelf.put("rack/" + entry.name, entry.content);
  }
  const std::string first = shelf.only_machine().disks.at(0).stamp;
  CHECK_FALSE(first.empty());
  CHECK(shelf.only_machine().disks.at(0).stamp == first);
  shelf.put_unseen(file, tests::read(shelf.temp / "packages" / file));
  CHECK(shelf.only_machine().disks.at(0).stamp != first);
}

TEST_CASE("One bad package does not hide the others", "[ova]") {
  const Shelf shelf;
  shelf.put("bad.ova", "rubbish");
  shelf.put("good.ova", one_disk().ova());
  const Inventory found = shelf.inventory();
  REQUIRE(found.machines.size() == 2);
  CHECK(found.machines[0].id == "bad.ova");
  CHECK_THAT(found.machines[0].unreadable, Catch::Matchers::StartsWith("bad.ova: "));
  CHECK(found.machines[1].unreadable.empty());
}

TEST_CASE("Two packages of one machine are told apart from two machines", "[ova]") {
  const Shelf shelf;
  shelf.put("a.ova", one_disk().ova());
  shelf.put("b.ova", one_disk().ova());
  const Inventory found = shelf.inventory();
  CHECK(concern(found.machines.at(0), "O-COPY") == nullptr);
  const Concern* copy = concern(found.machines.at(1), "O-COPY");
  REQUIRE(copy != nullptr);
  CHECK(copy->severity == Severity::blocker);
}

TEST_CASE("Several machines in one package have ids and disks of their own", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.sum = "";
  std::string text = maker.descriptor();
  const auto from = text.find("  <VirtualSystem ");
  const auto to = text.find("</Envelope>");
  std::string other = text.substr(from, to - from);
  other.replace(other.find("ovf:id=\"web01\""), 14, "ovf:id=\"web02\"");
  other.replace(other.find("vmdisk1"), 7, "vmdisk2");
  text.replace(from, to - from,
               "<VirtualSystemCollection ovf:id='all'>" + text.substr(from, to - from) + other +
                   "</VirtualSystemCollection>");
  text.replace(text.find("</DiskSection>"), 0, "<Disk ovf:diskId='vmdisk2' ovf:capacity='1024'/>");
  shelf.put("rack.ova",
            tests::tar({{"rack.ovf", text}, {maker.disks[0].name, maker.disks[0].content}}));
  const Inventory found = shelf.inventory();
  REQUIRE(found.machines.size() == 2);
  CHECK(found.machines[0].id == "rack.ova#web01");
  CHECK(found.machines[1].id == "rack.ova#web02");
  CHECK(found.machines[0].uuid != found.machines[1].uuid);
  CHECK(shelf.inventory({"rack.ova#web02", ""}).machines.size() == 1);
  const auto foreign = shelf.open("rack.ova#web02", "vmdisk1");
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code == Errc::not_found);
  const auto blank = shelf.open("rack.ova#web02", "vmdisk2");
  REQUIRE(blank);
  CHECK(drained(**blank).value_or("") == std::string(1024, '\0'));
}

TEST_CASE("A descriptor that is not the one in the manifest is refused", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.sum = GENERATE("SHA1", "SHA256");
  auto entries = maker.entries();
  entries[0].content += "<!-- changed -->";
  shelf.put("web01.ova", tests::tar(entries));
  const Machine machine = shelf.only_machine();
  CHECK_THAT(machine.unreadable,
             Catch::Matchers::Contains("web01.ovf is not the file that the manifest lists"));
  Hasher hasher(maker.sum == "SHA1" ? HashKind::sha1 : HashKind::sha256);
  hasher.add(entries[0].content);
  CHECK_THAT(machine.unreadable, Catch::Matchers::Contains(hasher.finish_hex()));
}

TEST_CASE("Missing and partial manifests are said", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  SECTION("none") {
    maker.sum = "";
    shelf.put("web01.ova", maker.ova());
    const Machine machine = shelf.only_machine();
    const Concern* found = concern(machine, "O-MANIFEST");
    REQUIRE(found != nullptr);
    CHECK(found->severity == Severity::info);
  }
  SECTION("without the disk") {
    auto entries = maker.entries();
    entries[1].content.resize(entries[1].content.find('\n') + 1);
    shelf.put("web01.ova", tests::tar(entries));
    const Machine machine = shelf.only_machine();
    const Concern* found = concern(machine, "O-MANIFEST");
    REQUIRE(found != nullptr);
    CHECK(found->severity == Severity::warning);
  }
  SECTION("without the descriptor") {
    auto entries = maker.entries();
    entries[1].content.erase(0, entries[1].content.find('\n') + 1);
    shelf.put("web01.ova", tests::tar(entries));
    const Machine machine = shelf.only_machine();
    const Concern* found = concern(machine, "O-MANIFEST");
    REQUIRE(found != nullptr);
    CHECK(found->severity == Severity::warning);
    CHECK_THAT(found->text, Catch::Matchers::Contains("does not list web01.ovf"));
  }
  SECTION("with a digest of the descriptor that flyt cannot compute") {
    auto entries = maker.entries();
    std::string& lines = entries[1].content;
    lines = "SHA512(web01.ovf)= " + std::string(128, 'a') + lines.substr(lines.find('\n'));
    shelf.put("web01.ova", tests::tar(entries));
    const Machine machine = shelf.only_machine();
    const Concern* found = concern(machine, "O-MANIFEST");
    REQUIRE(found != nullptr);
    CHECK(found->text == "the manifest lists a SHA512 of web01.ovf, which flyt does not check");
  }
  SECTION("signed") {
    auto entries = maker.entries();
    entries.push_back({"web01.cert", "-----BEGIN CERTIFICATE-----"});
    shelf.put("web01.ova", tests::tar(entries));
    CHECK(concern(shelf.only_machine(), "O-CERTIFICATE") != nullptr);
  }
}

TEST_CASE("Disks that cannot be read say why", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  auto& file = maker.disks[0];
  std::string reason;
  SECTION("missing") {
    auto entries = maker.entries();
    entries.pop_back();
    shelf.put("web01.ova", tests::tar(entries));
    reason = "web01-disk1.vmdk is missing";
  }
  SECTION("of another size than stated") {
    auto entries = maker.entries();
    entries.back().content += std::string(512, '\0');
    shelf.put("web01.ova", tests::tar(entries));
    reason = "the descriptor says";
  }
  SECTION("of another capacity than stated") {
    file.capacity += 512;
    reason = "the descriptor says 656384";
  }
  SECTION("outside the package") {
    file.name = "../../web01-disk1.vmdk";
    reason = "leaves the package";
  }
  SECTION("absolute") {
    file.name = "/web01-disk1.vmdk";
    reason = "leaves the package";
  }
  SECTION("outside, encoded") {
    file.name = "%2e%2e/web01-disk1.vmdk";
    reason = "leaves the package";
  }
  SECTION("on a server") {
    file.name = "http://server/web01-disk1.vmdk";
    reason = "lies elsewhere";
  }
  SECTION("in chunks") {
    file.attributes = "ovf:chunkSize=\"1024\"";
    reason = "is split into chunks";
  }
  SECTION("compressed otherwise") {
    file.attributes = "ovf:compression=\"bzip2\"";
    reason = "is compressed by bzip2";
  }
  SECTION("a difference") {
    VmdkMaker vmdk;
    vmdk.parent_cid = "12341234";
    file.content = vmdk.make(disk());
    reason = "a difference to another disk";
  }
  SECTION("in another format") {
    file.content = "QFI\xfb rubbish";
    file.format = "http://www.gnome.org/~markmc/qcow-image-format.html";
    reason = "has the format";
  }
  SECTION("of no whole number of sectors") {
    file.content = std::string(41'000, 'x');
    file.capacity = 41'000;
    file.format = "raw";
    reason = "no whole number of sectors";
  }
  SECTION("larger than any disk") {
    file.content = tests::gzip("x");
    file.capacity = std::uint64_t{1} << 62;
    file.format = "raw";
    file.attributes = "ovf:compression=\"gzip\"";
    reason = "more than 64 TiB";
  }
  SECTION("no VMDK") {
    file.content = std::string(1024, 'x');
    reason = "is no VMDK";
  }
  SECTION("only a description") {
    file.content = "# Disk DescriptorFile\nversion=1\n";
    reason = "lies in other files";
  }
  if (!fs::exists(shelf.temp / "packages/web01.ova")) {
    auto entries = maker.entries();
    entries.back().name = "web01-disk1.vmdk";
    shelf.put("web01.ova", tests::tar(entries));
  }
  const Machine machine = shelf.only_machine();
  REQUIRE(machine.disks.size() == 1);
  CHECK_THAT(machine.disks[0].left_out, Catch::Matchers::Contains(reason));
  CHECK_FALSE(shelf.open("web01.ova"));
}

TEST_CASE("A blank disk is no larger than any other, and of whole sectors", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.disks.clear();
  const auto [capacity, reason] = GENERATE(values<std::pair<std::uint64_t, const char*>>(
      {{std::uint64_t{1} << 62, "more than 64 TiB"}, {1000, "no whole number of sectors"}}));
  maker.more_disks = fmt::format("<Disk ovf:diskId='vmdisk1' ovf:capacity='{}'/>", capacity);
  maker.more_items =
      "<Item><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>99"
      "</rasd:InstanceID><rasd:ResourceType>17</rasd:ResourceType></Item>";
  shelf.put("web01.ova", maker.ova());
  const Machine machine = shelf.only_machine();
  REQUIRE(machine.disks.size() == 1);
  CHECK_THAT(machine.disks[0].left_out, Catch::Matchers::Contains(reason));
  CHECK_FALSE(shelf.open("web01.ova"));
}

TEST_CASE("Two disks of one file are two disks", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.more_disks =
      fmt::format("<Disk ovf:diskId='twin' ovf:fileRef='file1' ovf:capacity='{}' ovf:format='{}'/>",
                  maker.disks[0].capacity, maker.disks[0].format);
  maker.more_items =
      "<Item><rasd:HostResource>ovf:/disk/twin</rasd:HostResource><rasd:InstanceID>99"
      "</rasd:InstanceID><rasd:ResourceType>17</rasd:ResourceType></Item>";
  shelf.put("web01.ova", maker.ova());
  const Machine machine = shelf.only_machine();
  REQUIRE(machine.disks.size() == 2);
  for (const Disk& one : machine.disks) {
    CHECK(one.left_out.empty());
    CHECK(one.size_bytes == disk().size());
  }
}

TEST_CASE("Names that are no text harm nobody", "[ova]") {
  const Shelf shelf;
  shelf.put("\xff\xfe.ova", one_disk().ova());
  shelf.put("new\nline.ova", "rubbish");
  shelf.put("good.ova", one_disk().ova());
  CHECK(shelf.inventory().machines.size() == 3);
}

TEST_CASE("Links in an OVF folder are not followed", "[ova]") {
  const Shelf shelf;
  for (const auto& entry : one_disk().entries()) {
    if (entry.name != "web01-disk1.vmdk") shelf.put("rack/" + entry.name, entry.content);
  }
  shelf.put("elsewhere.vmdk", one_disk().disks[0].content);
  fs::create_symlink("../elsewhere.vmdk", shelf.temp / "packages/rack/web01-disk1.vmdk");
  CHECK_THAT(shelf.only_machine().disks.at(0).left_out, Catch::Matchers::Contains("is a link"));
}

TEST_CASE("A linked descriptor stands where the link points", "[ova]") {
  const Shelf shelf("packages/shelf");
  for (const auto& entry : one_disk().entries()) shelf.put("rack/" + entry.name, entry.content);
  fs::create_directory(shelf.temp / "packages/shelf");
  fs::create_symlink("../rack/web01.ovf", shelf.temp / "packages/shelf/linked.ovf");
  const Machine machine = shelf.only_machine();
  CHECK(machine.id == "linked.ovf");
  CHECK(machine.unreadable.empty());
  CHECK(machine.disks.at(0).left_out.empty());
  CHECK(concern(machine, "O-DIGEST") != nullptr);
}

TEST_CASE("Images in a package are listed", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.more_files = "<File ovf:id='iso' ovf:href='my%20tools.iso' ovf:size='2048'/>";
  auto entries = maker.entries();
  entries.push_back({"my tools.iso", std::string(2048, 'i')});
  shelf.put("web01.ova", tests::tar(entries));
  const Inventory found = shelf.inventory();
  REQUIRE(found.volumes.size() == 1);
  CHECK(found.volumes[0].name == "my tools.iso");
  CHECK(found.volumes[0].kind == "iso");
  CHECK(found.volumes[0].size_bytes == 2048);
}
