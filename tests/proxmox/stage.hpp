// The driver on a Proxmox VE of our own, for tests of what it does there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "drivers/driver.hpp"
#include "tests/proxmox/proxmox_fake.hpp"

namespace flyt::tests {

struct ProxmoxStage {
  std::unique_ptr<ProxmoxFake> fake;
  std::unique_ptr<Driver> driver;

  // `world` and `flags` as ProxmoxFake::start() has them. Fails the test where that does not start.
  explicit ProxmoxStage(std::string_view world = {}, std::vector<std::string> flags = {});
  std::unique_ptr<Driver> connect(const EndpointConfig& config) const;
  std::unique_ptr<Driver> connect() const { return connect(fake->endpoint()); }
  // As another login of the fake's endpoint: a token and its value, a user and his password.
  EndpointConfig as_token(const std::string& token, const std::string& value) const;
  EndpointConfig as_user(const std::string& user, const std::string& password) const;
  nlohmann::json left() const { return fake->control("GET", "/left"); }

 private:
  SecretSource secret(const std::string& text) const;
};

// A Linux machine of 128 MiB with one disk of 1 MiB on the storage `data` and one network card.
MachineSpec proxmox_spec(const std::string& name);

// All of an error in one line.
std::string told_whole(const Error& error);

}  // namespace flyt::tests
