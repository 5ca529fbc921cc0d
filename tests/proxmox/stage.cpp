#include "tests/proxmox/stage.hpp"

#include <fmt/format.h>

#include <fstream>
#include <functional>

#include "base/identity.hpp"
#include "base/units.hpp"
#include "drivers/proxmox/proxmox.hpp"
#include "tests/catch.hpp"

namespace flyt::tests {

ProxmoxStage::ProxmoxStage(std::string_view world, std::vector<std::string> flags) {
  auto started = ProxmoxFake::start(world, std::move(flags));
  if (!started) FAIL(told_whole(started.error()));
  fake = *std::move(started);
  driver = connect();
}

std::unique_ptr<Driver> ProxmoxStage::connect(const EndpointConfig& config) const {
  auto opened = proxmox::open(config, {});
  if (!opened) FAIL(told_whole(opened.error()));
  return *std::move(opened);
}

SecretSource ProxmoxStage::secret(const std::string& text) const {
  const auto file = fake->folder() / fmt::format("secret-{}", std::hash<std::string>()(text));
  if (!std::filesystem::exists(file)) {
    std::ofstream(file) << text << '\n';
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  }
  return {SecretSource::Kind::file, file};
}

EndpointConfig ProxmoxStage::as_token(const std::string& token, const std::string& value) const {
  EndpointConfig config = fake->endpoint();
  config.values["token"] = token;
  config.secrets["secret"] = secret(value);
  return config;
}

EndpointConfig ProxmoxStage::as_user(const std::string& user, const std::string& password) const {
  EndpointConfig config = fake->endpoint();
  config.values.erase("token");
  config.secrets.erase("secret");
  config.values["user"] = user;
  config.secrets["password"] = secret(password);
  return config;
}

MachineSpec proxmox_spec(const std::string& name) {
  MachineSpec spec;
  spec.owner = {migration_id("site", "platform", name), 1};
  spec.name = name;
  spec.cpus = 1;
  spec.memory_bytes = 128 * mib;
  spec.guest.family = GuestFamily::linux;
  spec.disks = {{.size_bytes = mib, .bus = Bus::virtio_blk, .storage = "data"}};
  spec.nics = {{"00:50:56:00:00:01", "vmbr0", {}, "virtio"}};
  return spec;
}

std::string told_whole(const Error& error) {
  return fmt::format("{}: {} | {} | {}", to_string(error.code), error.what, error.seen, error.why);
}

}  // namespace flyt::tests
