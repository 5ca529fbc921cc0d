#include "drivers/libvirt/host_identity.hpp"

#include "base/identity.hpp"
#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

const std::string uuid = "6d0a7b5e-0d0c-4a57-8f4e-0d5a1b0e7c11";
const std::string made_up = "11111111-2222-4333-8444-555555555555";
const std::string machine = "4a5b6c7d8e9f40414243444546474849";

TEST_CASE("libvirt: a host's UUID is kept where it lasts", "[unit]") {
  CHECK(lasting_host_id(uuid, {machine, "6D0A7B5E-0D0C-4A57-8F4E-0D5A1B0E7C11"}, false) == uuid);
  CHECK(lasting_host_id(uuid, {machine, "", true}, false) == uuid);
  CHECK(lasting_host_id(uuid, {machine, "", false, "host_uuid = \"" + uuid + "\"\n"}, true) ==
        uuid);
  const std::string dashed = "4a5b6c7d-8e9f-4041-4243-444546474849";
  CHECK(lasting_host_id(dashed, {machine, ""}, false) == dashed);
  CHECK(lasting_host_id(uuid, {}, false) == uuid);  // nothing better is known
}

TEST_CASE("libvirt: a host's UUID that libvirt makes up is not believed", "[unit]") {
  const std::string lasting = lasting_host_id(uuid, {machine}, false);
  CHECK(is_uuid(lasting));
  CHECK(lasting != uuid);
  CHECK(lasting_host_id(made_up, {machine}, false) == lasting);
  CHECK(lasting_host_id(made_up, {machine, uuid}, false) == lasting);
  CHECK(lasting_host_id(made_up, {machine, "", true}, true) == lasting);  // an unprivileged daemon
  CHECK(lasting_host_id(uuid, {"00000000000000000000000000000001"}, false) != lasting);
  CHECK(lasting.find(machine.substr(0, 8)) == std::string::npos);
}

}  // namespace
}  // namespace flyt::virt
