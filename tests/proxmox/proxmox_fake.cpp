#include "tests/proxmox/proxmox_fake.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/uri.hpp"
#include "tests/ready_program.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes patience{2};
constexpr std::string_view fake_name = "the imitated Proxmox VE";

fs::path program() {
  const char* named = std::getenv("FLYT_SOURCE");
  return fs::path(named == nullptr ? "." : named) / "tests/fakes/proxmox/pve.py";
}

std::string encoded(const ProxmoxFake::Form& form) {
  std::string text;
  for (const auto& [key, value] : form) {
    text +=
        fmt::format("{}{}={}", text.empty() ? "" : "&", percent_encode(key), percent_encode(value));
  }
  return text;
}

}  // namespace

std::string ProxmoxFake::missing() {
  if (!fs::exists(program())) return "FLYT_SOURCE names no source tree";
  for (const char* needed : {"python3", "sshd", "qemu-img", "qemu-nbd"}) {
    if (!find_program(needed) && !fs::exists(fmt::format("/usr/sbin/{}", needed))) {
      return fmt::format("needs {}", needed);
    }
  }
  return {};
}

Result<std::unique_ptr<ProxmoxFake>> ProxmoxFake::start(std::string_view world,
                                                        std::vector<std::string> flags) {
  if (const std::string lacks = missing(); !lacks.empty()) {
    return Error{Errc::unsupported, "no Proxmox VE can be imitated here", lacks};
  }
  std::unique_ptr<ProxmoxFake> fake(new ProxmoxFake);
  FLYT_TRY(fake->run(world, std::move(flags)));
  return fake;
}

Status ProxmoxFake::run(std::string_view world, std::vector<std::string> flags) {
  Command command{{"python3", program(), "--exit-with-stdin", "--state", folder_ / "state",
                   "--fast-401", "--tcg"}};
  if (!world.empty()) {
    std::ofstream(folder_ / "world.json") << world;
    command.argv.insert(command.argv.end(), {"--world", folder_ / "world.json"});
  }
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  FLYT_ASSIGN(Process started, Process::start(command));
  process_ = std::make_unique<Process>(std::move(started));
  FLYT_ASSIGN(const auto ready, read_ready(*process_, fake_name, patience));
  url_ = ready.at("url");
  token_ = ready.at("token");
  password_ = ready.at("root").at("password");
  fingerprint_ = ready.at("fingerprint");
  authority_ = ready.at("ca");
  nodes_ = ready.at("nodes");
  control_url_ = ready.at("control");
  ssh_config_ = nodes_.at(ready.at("node").get<std::string>()).at("ssh").at("config");
  http_ = std::make_unique<Http>(HttpTrust{{}, fingerprint_});
  const fs::path secret = folder_ / "secret";
  std::ofstream(secret) << token_.substr(token_.find('=') + 1) << '\n';
  fs::permissions(secret, fs::perms::owner_read);
  return ok();
}

EndpointConfig ProxmoxFake::endpoint() const {
  EndpointConfig config;
  config.name = "pve";
  config.driver = "proxmox";
  config.values = {{"url", url_},
                   {"token", token_.substr(0, token_.find('='))},
                   {"fingerprint", fingerprint_},
                   {"landing", "ssh"},
                   {"ssh", "{node}"},
                   {"ssh_config", ssh_config_},
                   {"accel", "tcg"}};
  config.secrets["secret"] = {SecretSource::Kind::file, folder_ / "secret"};
  config.folder = folder_.path();
  config.state = folder_ / "flyt";
  return config;
}

nlohmann::json ProxmoxFake::api(std::string_view method, const std::string& path,
                                const Form& form) {
  HttpRequest request;
  request.method = method;
  request.url = url_ + "/api2/json" + path;
  request.headers.emplace_back("Authorization", "PVEAPIToken=" + token_);
  if (method == "POST" || method == "PUT") {
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = encoded(form);
  } else if (!form.empty()) {
    request.url += "?" + encoded(form);
  }
  auto answer = http_->request(request, Call{}.within(patience));
  if (!answer) throw std::runtime_error(answer.error().what + ": " + answer.error().seen);
  if (answer->status != 200) {
    throw std::runtime_error(
        fmt::format("{} {}: {} {} {}", method, path, answer->status, answer->reason, answer->body));
  }
  nlohmann::json data = nlohmann::json::parse(answer->body).at("data");
  if (!data.is_string() || !data.get<std::string>().starts_with("UPID:")) return data;
  const std::string upid = data;
  const std::string node = upid.substr(5, upid.find(':', 5) - 5);
  for (;;) {
    const auto status =
        api("GET", fmt::format("/nodes/{}/tasks/{}/status", node, percent_encode(upid)));
    if (status.at("status") == "stopped") {
      if (status.at("exitstatus") == "OK") return data;
      throw std::runtime_error(
          fmt::format("{} {}: {}", method, path, status.at("exitstatus").get<std::string>()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

nlohmann::json ProxmoxFake::control(std::string_view method, const std::string& path,
                                    const nlohmann::json& body) {
  Http plain{HttpTrust{}};
  return tell(plain, control_url_, method, path, body, fake_name);
}

}  // namespace flyt::tests
