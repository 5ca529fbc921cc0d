#include <filesystem>
#include <vector>

#include "base/digest.hpp"
#include "drivers/ova/package_disk.hpp"
#include "tests/catch.hpp"
#include "tests/unit/drivers/ova/shelf.hpp"

using namespace flyt;
using flyt::tests::copied;
using flyt::tests::disk;
using flyt::tests::drained;
using flyt::tests::has_nbd;
using flyt::tests::one_disk;
using flyt::tests::PackageMaker;
using flyt::tests::sample_disk;
using flyt::tests::Shelf;
using flyt::tests::VmdkMaker;

namespace fs = std::filesystem;

namespace {

Status all_of(Channel& stream) {
  const auto bytes = drained(stream);
  return bytes ? ok() : Status(bytes.error());
}

}  // namespace

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
  const std::size_t size =
      GENERATE(512, 65536, 65536 + 512, tests::sanitized ? 3'145'728 : 41'955'840);
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
  auto entries = one_disk().entries();
  entries.back().content[500] ^= 1;
  shelf.put_unseen("web01.ova", tests::tar(entries));
  const auto changed = shelf.open("web01.ova");
  REQUIRE_FALSE(changed);
  CHECK(changed.error().code == Errc::corrupt);
}

TEST_CASE("A package that changes while it is read is no good source", "[ova]") {
  const bool packed = GENERATE(false, true);
  if (!packed && !has_nbd()) FLYT_SKIP("qemu-nbd is needed");
  const bool replaced = GENERATE(false, true);
  const Shelf shelf;
  PackageMaker maker = one_disk();
  if (packed) {
    maker.disks[0].content = tests::gzip(maker.disks[0].content);
    maker.disks[0].name += ".gz";
    maker.disks[0].attributes = "ovf:compression=\"gzip\"";
  }
  shelf.put("web01.ova", maker.ova());
  const auto channel = shelf.open("web01.ova");
  REQUIRE(channel);
  if (replaced) {
    fs::copy_file(shelf.temp / "packages/web01.ova", shelf.temp / "packages/next");
    shelf.put_unseen("web01.ova", maker.ova());
    fs::rename(shelf.temp / "packages/next", shelf.temp / "packages/web01.ova");
  } else {
    shelf.put_unseen("web01.ova", maker.ova());
  }
  const Status ended = packed ? all_of(**channel) : (*channel)->close({});
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Errc::corrupt);
  CHECK_THAT(ended.error().what, Catch::Matchers::Contains("was changed while it was read"));
}

TEST_CASE("What was checked is served, whatever bears its name by then", "[ova]") {
  if (!has_nbd()) FLYT_SKIP("qemu-nbd and nbdcopy are needed");
  const Shelf shelf;
  shelf.put("web01.ova", one_disk().ova());
  const auto package = ova::Package::open(shelf.temp / "packages/web01.ova", "web01.ova", {});
  REQUIRE(package);
  const auto checked = ova::look_at_disk(*package, "vmdisk1", {});
  REQUIRE(checked);
  PackageMaker other = one_disk();
  other.disks[0].content = VmdkMaker{}.make(std::string(disk().size(), 'x'));
  shelf.put("next", other.ova());
  fs::rename(shelf.temp / "packages/next", shelf.temp / "packages/web01.ova");
  const auto channel = ova::open_disk(*package, *checked, "web01", {});
  if (!channel) FAIL(channel.error().what << ": " << channel.error().seen);
  CHECK(copied(**channel, shelf.temp / "back.raw") == disk());
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
