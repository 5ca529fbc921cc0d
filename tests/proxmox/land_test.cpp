// Landing by the API alone: what goes wrong on the way of an upload and an import.
#include "drivers/proxmox/land.hpp"

#include <fmt/format.h>

#include <fstream>
#include <random>

#include "base/process.hpp"
#include "base/units.hpp"
#include "base/uri.hpp"
#include "drivers/proxmox/tasks.hpp"
#include "tests/catch.hpp"
#include "tests/proxmox/stage.hpp"

namespace flyt::proxmox {
namespace {

namespace fs = std::filesystem;
using tests::told_whole;

constexpr std::string_view no_import = R"({"storages": [
  {"storage": "local", "type": "dir", "content": "images,iso"},
  {"storage": "data", "type": "dir", "content": "images"}]})";

std::string all_of(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937_64 next(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(next());
  return bytes;
}

struct Stage : tests::ProxmoxStage {
  MachineSpec spec = tests::proxmox_spec("web01");
  Machine machine;
  std::string disk = std::string(2 * mib, '\0');  // as it was written

  explicit Stage(std::string_view world = {}) : ProxmoxStage(world) {
    again();
    spec.disks[0].size_bytes = 2 * mib;
  }
  EndpointConfig endpoint() const {
    EndpointConfig config = fake->endpoint();
    config.values["landing"] = "api";
    config.values.erase("ssh");
    config.values.erase("ssh_config");
    return config;
  }
  // As the next process, after this one has died.
  void again() { driver = connect(endpoint()); }

  void make() {
    auto made = driver->create_machine(spec, {});
    if (!made) FAIL(told_whole(made.error()));
    machine = *std::move(made);
  }
  void write(std::uint64_t offset, std::string_view data) {
    disk.replace(offset, data.size(), data);
    const fs::path raw = fake->folder() / "disk.raw";
    std::ofstream(raw, std::ios::binary) << disk;
    auto channel =
        driver->open({machine.id, machine.disks[0].id, "", "", Use::write, spec.owner}, {});
    if (!channel) FAIL(told_whole(channel.error()));
    const auto done = check({{"qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", raw.native(),
                              (*channel)->info().uri}},
                            {});
    if (!done) FAIL(told_whole(done.error()));
    REQUIRE((*channel)->close({}));
  }
  Result<std::vector<LandedDisk>> land() const {
    return driver->land({.machine = machine.id, .owner = spec.owner}, {});
  }
  LandedDisk landed() const {
    auto done = land();
    if (!done) FAIL(told_whole(done.error()));
    REQUIRE(done->size() == 1);
    return done->front();
  }

  nlohmann::json config() const {
    return fake->api("GET", fmt::format("/nodes/pve1/qemu/{}/config", machine.id));
  }
  std::string volume() const {
    const std::string text = config().at("virtio0");
    return text.substr(0, text.find(','));
  }
  std::size_t count(std::string_view call) const {
    const auto calls = fake->control("GET", "/counts").at("calls");
    return calls.value(std::string(call), std::size_t{0});
  }
  std::size_t uploads() const { return count("POST /nodes/{node}/storage/{storage}/upload"); }
  void fault(const nlohmann::json& what) const { fake->control("POST", "/faults", what); }

  std::string content() const {
    const auto about =
        fake->api("GET", "/nodes/pve1/storage/data/content/" + percent_encode(volume()));
    const fs::path raw = fake->folder() / "now.raw";
    auto done =
        check({{"qemu-img", "convert", "-O", "raw", about.at("path").get<std::string>(), raw}}, {});
    if (!done) FAIL(told_whole(done.error()));
    std::ifstream in(raw, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // One volume, in its slot with its options; nothing else, anywhere.
  void check_tidy() const {
    const auto now = left();
    INFO(now.dump(1));
    CHECK(now.at("volumes").size() == 1);
    CHECK(now.at("unreferenced").empty());
    CHECK(now.at("tasks").empty());
    const auto settings = config();
    for (const auto& [key, value] : settings.items()) CHECK_FALSE(key.starts_with("unused"));
    CHECK(settings.at("virtio0").get<std::string>().find("iothread=1") != std::string::npos);
  }
};

TEST_CASE("what was staged becomes the machine's disk, and nothing is left of the way",
          "[proxmox]") {
  Stage stage;
  stage.make();
  const std::string made = stage.volume();
  const std::string data = noise(mib, 1);
  stage.write(4096, data);
  const LandedDisk landed = stage.landed();
  CHECK(landed.volume == stage.volume());
  CHECK(landed.volume != made);
  CHECK(landed.sha256.size() == 64);
  CHECK(landed.sent_bytes > data.size());
  CHECK_FALSE(landed.unread.empty());
  CHECK((stage.content() == stage.disk));
  stage.check_tidy();
  CHECK(stage.left().at("uploads").empty());
  // Shaping changes the slot's machine, not its disk.
  const auto shaped = stage.driver->update_machine(stage.machine.id, stage.spec, {});
  if (!shaped) FAIL(told_whole(shaped.error()));
  CHECK(stage.volume() == landed.volume);
  CHECK(stage.uploads() == 1);
  (void)stage.landed();
  CHECK(stage.uploads() == 1);
  REQUIRE(stage.driver->destroy(stage.machine.id, stage.spec.owner, {}));
  CHECK(stage.left().at("volumes").empty());
  CHECK_FALSE(fs::exists(staged_folder(stage.endpoint().state, stage.spec.owner.id)));
}

TEST_CASE("without a storage for uploads nothing is made, and it is said before", "[proxmox]") {
  Stage stage(no_import);
  const auto made = stage.driver->create_machine(stage.spec, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::not_found);
  CHECK(all_of(made.error().remedy).find("--content import") != std::string::npos);
  CHECK(stage.left().at("vms").empty());
  const auto found = stage.driver->inventory({.findings = true}, {});
  if (!found) FAIL(told_whole(found.error()));
  std::string text;
  for (const Finding& one : found->findings) text += one.text + "\n";
  CHECK(text.find("no storage on pve1 takes uploads") != std::string::npos);
}

TEST_CASE("the inventory says how disks land and what room that takes", "[proxmox]") {
  const Stage stage;
  const auto found = stage.driver->inventory({.findings = true}, {});
  if (!found) FAIL(told_whole(found.error()));
  for (const Finding& one : found->findings) {  // by a token no console is heard on 8.4
    if (one.must || one.text.find("cannot hear consoles") == std::string::npos)
      FAIL_CHECK(one.text);
  }
  CHECK(all_of(found->notes).find("storage local takes them") != std::string::npos);
  REQUIRE_FALSE(found->storages.empty());
  CHECK(found->storages[0].land_by.find("uploaded to storage local") != std::string::npos);
  REQUIRE(found->passages.size() == 2);
  CHECK(found->passages[0].free_bytes.value_or(0) > 0);
  CHECK(found->passages[0].all_at_once);
  CHECK(found->passages[1].name.find("storage local on pve1") != std::string::npos);
}

TEST_CASE("an upload that breaks off is sent again by the next call", "[proxmox]") {
  Stage stage;
  stage.make();
  const std::string data = noise(2 * mib, 2);
  stage.write(0, data);
  stage.fault({{"method", "POST"}, {"path", "/upload$"}, {"cut", 1 << 20}});
  const auto broken = stage.land();
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Errc::unavailable);
  CHECK((stage.content() == std::string(2 * mib, '\0')));
  stage.again();
  (void)stage.landed();
  CHECK((stage.content() == stage.disk));
  stage.check_tidy();
}

TEST_CASE("tasks that fail are told in their own words, and leave nothing", "[proxmox]") {
  Stage stage;
  stage.make();
  stage.write(0, noise(4096, 3));
  stage.fault(
      {{"task", "imgcopy"}, {"fail", "import failed: cp: error writing: Input/output error"}});
  const auto first = stage.land();
  REQUIRE_FALSE(first);
  CHECK(first.error().seen.find("Input/output error") != std::string::npos);
  stage.fault(
      {{"task", "qmconfig"}, {"fail", "copy failed: command 'qemu-img' failed: exit code 1"}});
  const auto second = stage.land();
  REQUIRE_FALSE(second);
  CHECK(second.error().seen.find("exit code 1") != std::string::npos);
  const std::size_t sent = stage.uploads();
  stage.again();
  (void)stage.landed();
  CHECK(stage.uploads() == sent);  // what had arrived whole is not sent again
  CHECK((stage.content() == stage.disk));
  stage.check_tidy();
}

// One request of a landing fails; the next process goes on. False: there is no such request.
bool survives(Stage& stage, const nlohmann::json& fault, unsigned seed) {
  INFO(fault.dump());
  stage.write(4096, noise(4096, seed));
  stage.fault(fault);
  const bool died = !stage.land();
  stage.fake->control("DELETE", "/faults");
  stage.again();
  (void)stage.landed();
  CHECK((stage.content() == stage.disk));
  stage.check_tidy();
  return died;
}

TEST_CASE("a process that dies between any two requests is followed up", "[proxmox]") {
  Stage stage;
  stage.make();
  unsigned seed = 10;
  unsigned changes = 0, looks = 0;
  for (const char* method : {"POST", "DELETE"}) {
    for (const char* when : {"before", "after"}) {
      for (unsigned skip = 0;; ++skip, ++changes) {
        const nlohmann::json fault{{"method", method}, {"skip", skip}, {"reset", when}};
        if (!survives(stage, fault, ++seed)) break;
      }
    }
  }
  // Another process may have done what lies between two looks: every third is enough.
  while (survives(stage, {{"method", "GET"}, {"skip", 3 * looks}, {"status", 503}}, ++seed))
    ++looks;
  CHECK(changes == 2 * 4);  // upload, import, what it replaces, the upload again
  CHECK(looks > 4);
}

TEST_CASE("volumes of others stay as they are", "[proxmox]") {
  Stage stage;
  stage.make();
  stage.write(0, "words");
  const std::string other = fmt::format("data:{0}/vm-{0}-disk-7.qcow2", stage.machine.id);
  stage.fake->api("POST", "/nodes/pve1/storage/data/content",
                  {{"vmid", stage.machine.id},
                   {"filename", fmt::format("vm-{}-disk-7.qcow2", stage.machine.id)},
                   {"size", "2M"}});
  const std::string config = fmt::format("/nodes/pve1/qemu/{}/config", stage.machine.id);
  stage.fake->api("POST", config, {{"unused3", other}});
  (void)stage.landed();
  CHECK(stage.config().at("unused3") == other);
  CHECK(stage.left().at("volumes").size() == 2);
  // Somebody puts it into the slot: what flyt has there would push it out, to be removed.
  stage.fake->api("POST", config, {{"virtio0", other}});
  stage.write(0, "other words");
  const auto refused = stage.land();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::denied);
  CHECK(refused.error().seen.find(other) != std::string::npos);
  CHECK(stage.volume() == other);
}

TEST_CASE("what arrives otherwise than it was sent is refused", "[proxmox]") {
  const Stage stage;
  const std::string& token = stage.fake->token();
  Api api({{stage.fake->url(), {{}, stage.fake->fingerprint()}}},
          {token.substr(0, token.find('=')), {}, [&token](const Call&) -> Result<Secret> {
             return Secret(token.substr(token.find('=') + 1));
           }});
  const fs::path file = stage.fake->folder() / "x.qcow2";
  REQUIRE(check({{"qemu-img", "create", "-q", "-f", "qcow2", file.native(), "1M"}}, {}));
  std::uint64_t sent = 0;
  const FileToSend wrong{.name = "x.qcow2",
                         .path = file,
                         .bytes = fs::file_size(file),
                         .sha256 = std::string(64, '0'),
                         .sent = [&sent](std::uint64_t count) { sent += count; }};
  const auto body = api.upload("/nodes/pve1/storage/local/upload", wrong, "sending", {});
  if (!body) FAIL(told_whole(body.error()));
  const Status ended = wait_for_task(api, parse_text(*body, "sending").value_or(""), "sending", {});
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Errc::corrupt);
  CHECK(sent == wrong.bytes);
  CHECK(
      stage.fake->api("GET", "/nodes/pve1/storage/local/content", {{"content", "import"}}).empty());
}

TEST_CASE("too little room is told with numbers, and changes nothing", "[proxmox]") {
  Stage stage;
  stage.make();
  const std::string data = noise(8192, 4);
  stage.write(0, data);
  for (const char* full : {"local", "data"}) {
    stage.fake->control("POST", "/storage", {{"storage", full}, {"full", true}});
    const auto landed = stage.land();
    REQUIRE_FALSE(landed);
    CHECK(landed.error().code == Errc::unavailable);
    CHECK(landed.error().what.find(fmt::format("too little room in {} on pve1: 0 B are free",
                                               full)) != std::string::npos);
    stage.fake->control("POST", "/storage", {{"storage", full}, {"full", false}});
  }
  CHECK(stage.uploads() == 0);
  (void)stage.landed();
  CHECK((stage.content() == stage.disk));
  stage.check_tidy();
}

TEST_CASE("a login that may not send is told so before anything is made", "[proxmox]") {
  Stage stage;
  stage.fake->api("POST", "/access/users", {{"userid", "poor@pve"}});
  const auto token =
      stage.fake->api("POST", "/access/users/poor@pve/token/move", {{"privsep", "0"}});
  stage.fake->api("PUT", "/access/acl",
                  {{"path", "/"}, {"users", "poor@pve"}, {"roles", "PVEVMAdmin"}});
  stage.fake->api("PUT", "/access/acl",
                  {{"path", "/storage"}, {"users", "poor@pve"}, {"roles", "PVEDatastoreUser"}});
  EndpointConfig config = stage.endpoint();
  config.values["token"] = "poor@pve!move";
  const auto secret = stage.fake->folder() / "poor";
  std::ofstream(secret) << token.at("value").get<std::string>() << '\n';
  fs::permissions(secret, fs::perms::owner_read);
  config.secrets["secret"] = {SecretSource::Kind::file, secret};
  stage.driver = stage.connect(config);
  stage.spec.nics.clear();
  const auto made = stage.driver->create_machine(stage.spec, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::denied);
  CHECK(made.error().seen.find("Datastore.AllocateTemplate") != std::string::npos);
  CHECK(all_of(made.error().remedy).find("pveum acl modify /storage/local") != std::string::npos);
  CHECK(stage.left().at("vms").empty());
}

TEST_CASE("what was staged elsewhere, or is lost, is never taken for an empty disk", "[proxmox]") {
  Stage stage;
  stage.make();
  stage.write(0, "words");
  const fs::path staged = staged_folder(stage.endpoint().state, stage.spec.owner.id);
  fs::remove(staged / "0.qcow2");
  const OpenSpec open{stage.machine.id, stage.machine.disks[0].id, "", "",
                      Use::write,       stage.spec.owner};
  const auto lost = stage.driver->open(open, {});
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Errc::not_found);
  const auto landed = stage.land();
  REQUIRE_FALSE(landed);
  CHECK(landed.error().code == Errc::not_found);
  const auto made = stage.driver->create_machine(stage.spec, {});
  REQUIRE_FALSE(made);
  CHECK(stage.uploads() == 0);
  REQUIRE(stage.driver->destroy(stage.machine.id, stage.spec.owner, {}));
  CHECK(stage.left().at("volumes").empty());
}

}  // namespace
}  // namespace flyt::proxmox
