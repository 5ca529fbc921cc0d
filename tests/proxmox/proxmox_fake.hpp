// A Proxmox VE of our own for one test: the program of tests/fakes/proxmox, which ends when we do.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http.hpp"
#include "base/process.hpp"
#include "base/site.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {

class ProxmoxFake {
 public:
  // `world`: what tests/fakes/proxmox/README.md explains, empty for one node; `flags` stand there,
  // too. Errc::unsupported: something that it needs is not there.
  static Result<std::unique_ptr<ProxmoxFake>> start(std::string_view world = {},
                                                    std::vector<std::string> flags = {});
  // Empty: it can be started here.
  static std::string missing();

  EndpointConfig endpoint() const;  // for open_driver(): by ssh, emulated
  const std::string& url() const { return url_; }
  const std::string& token() const { return token_; }              // "USER@REALM!NAME=VALUE"
  const std::string& fingerprint() const { return fingerprint_; }  // SHA-256, with colons
  const std::string& authority() const {
    return authority_;
  }  // PEM file: who signs all nodes' keys
  std::string url_of(const std::string& node) const { return nodes_.at(node).at("url"); }
  std::string fingerprint_of(const std::string& node) const {
    return nodes_.at(node).at("fingerprint");
  }
  const std::string& password() const { return password_; }  // of root@pam
  int pid() const { return process_->pid(); }
  const TempDir& folder() const { return folder_; }

  using Form = std::vector<std::pair<std::string, std::string>>;
  // A request as another client makes it; its data. A task is waited for. Throws
  // std::runtime_error, with the answer, where it is refused.
  nlohmann::json api(std::string_view method, const std::string& path, const Form& form = {});
  // The control interface; throws as api().
  nlohmann::json control(std::string_view method, const std::string& path,
                         const nlohmann::json& body = {});

 private:
  ProxmoxFake() = default;
  Status run(std::string_view world, std::vector<std::string> flags);

  TempDir folder_;
  std::string url_, token_, password_, fingerprint_, authority_, control_url_, ssh_config_;
  nlohmann::json nodes_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Http> http_;
};

}  // namespace flyt::tests
