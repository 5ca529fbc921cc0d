#include "drivers/ova/ova.hpp"

#include <filesystem>
#include <vector>

#include "base/digest.hpp"
#include "base/process.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"
#include "tests/unit/drivers/ova/package_maker.hpp"
#include "tests/unit/drivers/shared/vmdk_maker.hpp"

using namespace flyt;
using flyt::tests::PackageMaker;
using flyt::tests::sample_disk;
using flyt::tests::TempDir;
using flyt::tests::VmdkMaker;

namespace {

namespace fs = std::filesystem;

struct Shelf {
  TempDir temp;
  std::unique_ptr<Driver> driver;

  explicit Shelf(const std::string& path = "packages") {
    fs::create_directories(temp / "packages");
    EndpointConfig config;
    config.name = "ova";
    config.driver = "ova";
    config.values["path"] = path;
    config.folder = temp.path();
    config.state = temp / "state";
    auto opened = ova::open(config, {});
    REQUIRE(opened);
    driver = *std::move(opened);
  }
  void put(const std::string& name, std::string_view content) const {
    tests::write(temp / "packages" / name, content);
  }
  Inventory inventory(const Scope& scope = {}) const {
    auto found = driver->inventory(scope, {});
    if (!found) FAIL(found.error().what << ": " << found.error().seen);
    return *std::move(found);
  }
  Machine only_machine() const {
    const Inventory found = inventory();
    REQUIRE(found.machines.size() == 1);
    return found.machines.front();
  }
  Result<std::unique_ptr<Channel>> open(const std::string& machine,
                                        const std::string& disk = "vmdisk1") const {
    return driver->open({machine, disk}, {});
  }
};

const std::string& disk() {
  static const std::string bytes = sample_disk(10 * 65536 + 512, 2 * 65536, 5 * 65536);
  return bytes;
}

PackageMaker one_disk() {
  PackageMaker maker;
  maker.disks = {{"web01-disk1.vmdk", VmdkMaker{}.make(disk()), disk().size()}};
  return maker;
}

const Concern* concern(const Machine& machine, std::string_view code) {
  for (const Concern& one : machine.concerns) {
    if (one.code == code) return &one;
  }
  return nullptr;
}

// All of a stream, or its error.
Result<std::string> drained(Channel& channel) {
  std::string bytes;
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    FLYT_ASSIGN(const auto extent, channel.next(buffer, {}));
    if (!extent) break;
    if (extent->offset != bytes.size()) return Error{Errc::internal, "a gap"};
    if (extent->zero) {
      bytes.append(extent->length, '\0');
    } else {
      bytes.append(reinterpret_cast<const char*>(buffer.data()), extent->length);
    }
  }
  FLYT_TRY(channel.close({}));
  return bytes;
}

// Everything that an NBD client reads.
std::string copied(const Channel& channel, const fs::path& to) {
  const auto copy = check({{"nbdcopy", channel.info().uri, to.string()}}, {});
  if (!copy) FAIL(copy.error().what << ": " << copy.error().seen);
  return tests::read(to);
}

bool has_nbd() { return find_program("qemu-nbd") && find_program("nbdcopy"); }

}  // namespace

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
    const Concern* found = concern(shelf.only_machine(), "O-MANIFEST");
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

TEST_CASE("Links in an OVF folder are not followed", "[ova]") {
  const Shelf shelf;
  for (const auto& entry : one_disk().entries()) {
    if (entry.name != "web01-disk1.vmdk") shelf.put("rack/" + entry.name, entry.content);
  }
  shelf.put("elsewhere.vmdk", one_disk().disks[0].content);
  fs::create_symlink("../elsewhere.vmdk", shelf.temp / "packages/rack/web01-disk1.vmdk");
  CHECK_THAT(shelf.only_machine().disks.at(0).left_out, Catch::Matchers::Contains("is a link"));
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

TEST_CASE("Only reading is possible, and only what is there", "[ova]") {
  const Shelf shelf;
  shelf.put("web01.ova", one_disk().ova());
  const auto code = [&shelf](const OpenSpec& spec) {
    const auto opened = shelf.driver->open(spec, {});
    REQUIRE_FALSE(opened);
    return opened.error().code;
  };
  CHECK(code({"web02.ova", "vmdisk1"}) == Errc::not_found);
  CHECK(code({"web01.ova", "vmdisk2"}) == Errc::not_found);
  CHECK(code({"web01.ova", "vmdisk1", "view"}) == Errc::not_found);
  CHECK(code({"web01.ova", "vmdisk1", "", "since"}) == Errc::unsupported);
  CHECK(code({"web01.ova", "vmdisk1", "", "", Use::write}) == Errc::unsupported);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = shelf.driver->open({"web01.ova", "vmdisk1"}, {stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);
}

TEST_CASE("A streamOptimized disk is served where it lies, byte by byte", "[ova]") {
  if (!has_nbd()) FLYT_SKIP("qemu-nbd and nbdcopy are needed");
  const Shelf shelf;
  VmdkMaker vmdk;
  vmdk.style = GENERATE(VmdkMaker::Style::vmware, VmdkMaker::Style::qemu, VmdkMaker::Style::sparse);
  PackageMaker maker;
  // A comma is what QEMU's options trip over.
  maker.disks = {{"web01,disk1.vmdk", vmdk.make(disk()), disk().size()}};
  shelf.put("we,b 01.ova", maker.ova());
  const auto channel = shelf.open("we,b 01.ova");
  if (!channel) FAIL(channel.error().what << ": " << channel.error().seen);
  CHECK((*channel)->info().size_bytes == disk().size());
  CHECK(copied(**channel, shelf.temp / "back.raw") == disk());
  CHECK((*channel)->close({}));
}

TEST_CASE("Raw disks are served, also an empty one", "[ova]") {
  if (!has_nbd()) FLYT_SKIP("qemu-nbd and nbdcopy are needed");
  const Shelf shelf;
  const std::size_t size = GENERATE(0, 512, 41'984, 1 << 20);
  PackageMaker maker;
  maker.disks = {{"disk.raw", sample_disk(size), size, "raw"}};
  shelf.put("web01.ova", maker.ova());
  CHECK(shelf.only_machine().disks.at(0).format == "raw");
  const auto channel = shelf.open("web01.ova");
  if (!channel) FAIL(channel.error().what << ": " << channel.error().seen);
  CHECK((*channel)->info().size_bytes == size);
  CHECK(copied(**channel, shelf.temp / "back.raw") == sample_disk(size));
  CHECK((*channel)->close({}));
}

TEST_CASE("What qemu-img writes is read back", "[ova]") {
  if (!has_nbd() || !find_program("qemu-img")) FLYT_SKIP("qemu-img and qemu-nbd are needed");
  const Shelf shelf;
  const std::size_t size = GENERATE(512, 65536, 65536 + 512, 41'955'840);
  const std::string raw = sample_disk(size, size / 4, size / 2);
  tests::write(shelf.temp / "disk.raw", raw);
  const std::string options = "subformat=streamOptimized,adapter_type=lsilogic";
  REQUIRE(check({{"qemu-img", "convert", "-q", "-f", "raw", "-O", "vmdk", "-o", options,
                  (shelf.temp / "disk.raw").string(), (shelf.temp / "disk.vmdk").string()}},
                {}));
  const std::string vmdk = tests::read(shelf.temp / "disk.vmdk");
  PackageMaker maker;
  maker.disks = {{"a.vmdk", vmdk, size}, {"b.vmdk.gz", tests::gzip(vmdk), size}};
  maker.disks[1].attributes = "ovf:compression=\"gzip\"";
  shelf.put("web01.ova", maker.ova());
  const Machine machine = shelf.only_machine();
  CHECK(machine.disks.at(1).stream_only);
  CHECK(machine.disks.at(1).format == "vmdk-gzip");
  const auto channel = shelf.open("web01.ova", "vmdisk1");
  if (!channel) FAIL(channel.error().what << ": " << channel.error().seen);
  CHECK(copied(**channel, shelf.temp / "back.raw") == raw);
  CHECK((*channel)->close({}));
  const auto stream = shelf.open("web01.ova", "vmdisk2");
  if (!stream) FAIL(stream.error().what << ": " << stream.error().seen);
  CHECK((*stream)->info().uri.empty());
  CHECK(drained(**stream).value_or("") == raw);
}

TEST_CASE("Packed raw disks are streams", "[ova]") {
  const Shelf shelf;
  PackageMaker maker;
  const std::string raw = sample_disk((2 << 20) + 512);
  std::uint64_t stated = raw.size();
  bool good = true;
  SECTION("as stated") {}
  SECTION("shorter than stated") {
    stated += 512;
    good = false;
  }
  SECTION("longer than stated") {
    stated -= 512;
    good = false;
  }
  maker.disks = {{"disk.raw.gz", tests::gzip(raw), stated, "raw"}};
  shelf.put("web01.ova", maker.ova());
  const auto stream = shelf.open("web01.ova");
  REQUIRE(stream);
  const auto bytes = drained(**stream);
  CHECK(bytes.has_value() == good);
  if (good) CHECK(*bytes == raw);
  if (!good) CHECK(bytes.error().code == Errc::corrupt);
}

TEST_CASE("A disk that is not the one in the manifest is refused when it is read", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.sum = GENERATE("SHA1", "SHA256");
  const bool packed = GENERATE(false, true);
  if (packed) {
    maker.disks[0].content = tests::gzip(maker.disks[0].content);
    maker.disks[0].name += ".gz";
    maker.disks[0].attributes = "ovf:compression=\"gzip\"";
  }
  auto entries = maker.entries();
  // A bit that no format knows of: the unused end of VMware's header, the time in gzip's.
  entries.back().content[packed ? 5 : 500] ^= 1;
  shelf.put("web01.ova", tests::tar(entries));
  CHECK(shelf.only_machine().disks.at(0).left_out.empty());
  const auto channel = shelf.open("web01.ova");
  CHECK(channel.has_value() == packed);
  const auto bytes = channel ? drained(**channel) : Result<std::string>(channel.error());
  REQUIRE_FALSE(bytes);
  CHECK(bytes.error().code == Errc::corrupt);
  CHECK_THAT(bytes.error().what, Catch::Matchers::Contains(maker.disks[0].name));
  Hasher hasher(maker.sum == "SHA1" ? HashKind::sha1 : HashKind::sha256);
  hasher.add(maker.disks[0].content);
  CHECK_THAT(bytes.error().seen, Catch::Matchers::Contains(hasher.finish_hex()));
}

TEST_CASE("A digest that was checked is remembered for this very file only", "[ova]") {
  if (!has_nbd()) FLYT_SKIP("qemu-nbd is needed");
  const Shelf shelf;
  shelf.put("web01.ova", one_disk().ova());
  REQUIRE(shelf.open("web01.ova"));
  std::vector<fs::path> notes;
  for (const auto& entry : fs::directory_iterator(shelf.temp / "state/ova")) {
    notes.push_back(entry.path());
  }
  REQUIRE(notes.size() == 1);
  REQUIRE(shelf.open("web01.ova"));  // by the note
  // The same length and, as file systems may have it, the same time would be needed to fool it.
  auto entries = one_disk().entries();
  entries.back().content[500] ^= 1;
  shelf.put("web01.ova", tests::tar(entries));
  const auto changed = shelf.open("web01.ova");
  REQUIRE_FALSE(changed);
  CHECK(changed.error().code == Errc::corrupt);
}

TEST_CASE("A disk whose tables lie is not served", "[ova]") {
  const Shelf shelf;
  PackageMaker maker = one_disk();
  maker.sum = "";
  VmdkMaker vmdk;
  vmdk.style = VmdkMaker::Style::qemu;
  std::string& image = maker.disks[0].content;
  image = vmdk.make(disk());
  tests::put32(image, 22 * 512 + 4, tests::get32(image, 22 * 512));
  shelf.put("web01.ova", maker.ova());
  const auto opened = shelf.open("web01.ova");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::corrupt);
  CHECK_THAT(opened.error().what, Catch::Matchers::Contains("tables are wrong"));
}
