// A vSphere of our own for one test: the program of tests/lab/vsphere, which ends when we do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "base/process.hpp"
#include "base/site.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {

class VsphereLab {
 public:
  // Builds the program where that is due, once for all. `machines`: the description that
  // tests/lab/vsphere/README.md explains, empty for its generic inventory; `flags` stand there,
  // too. Errc::unsupported: this system cannot build it, which alone is a reason to skip a test.
  static Result<std::unique_ptr<VsphereLab>> start(std::string_view machines = {},
                                                   std::vector<std::string> flags = {});

  const std::string& url() const { return url_; }  // "https://127.0.0.1:PORT"
  const std::string& user() const { return user_; }
  const std::filesystem::path& password_file() const { return password_file_; }
  const std::string& fingerprint() const { return fingerprint_; }  // SHA-256, with colons
  const std::filesystem::path& certificate() const { return certificate_; }
  // The working directory of the program, where relative paths of disks start.
  const TempDir& folder() const { return folder_; }
  EndpointConfig endpoint() const;  // for open_driver()
  // The same, whose disks are read by VDDK: the plugin that nbdkit_vddk.cpp makes, and in the
  // folder `vddk`, a library in name, and `nbdkit`, a script that notes its arguments and
  // environment there (`argv`, `environment`), and whose server ends after the bytes in `dies`.
  EndpointConfig endpoint_by_vddk() const;

  const std::string& control_url() const { return control_url_; }
  // The control interface. Throws std::runtime_error, with the answer, where it refuses.
  nlohmann::json control(std::string_view method, const std::string& path,
                         const nlohmann::json& body = {});
  nlohmann::json counters();
  std::int64_t counter(const std::string& name);  // 0: it has not happened
  // What differs from the start: power, snapshots, tracking, disk files, open sessions and leases.
  std::vector<std::string> differences();

 private:
  VsphereLab() = default;
  Status run(std::string_view machines, std::vector<std::string> flags,
             const std::filesystem::path& program);

  TempDir folder_;
  std::string url_, user_, fingerprint_, control_url_;
  std::filesystem::path password_file_, certificate_;
  std::unique_ptr<Process> process_;
  Http http_{HttpTrust{}};
};

}  // namespace flyt::tests
