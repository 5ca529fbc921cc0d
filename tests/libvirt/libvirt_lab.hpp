// Libvirts of our own for tests, never the user's: one of each kind for the whole program.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "drivers/driver.hpp"

namespace flyt::tests {

Call in_time(std::chrono::seconds limit = std::chrono::seconds{120});

class LibvirtLab {
 public:
  // Started when it is first asked for; ended with the program, however that ends.
  static LibvirtLab& system();
  static LibvirtLab& session();  // unprivileged: no networks of its own

  const std::string& missing() const { return missing_; }  // why there is none; empty: there is
  const std::string& uri() const { return uri_; }
  const std::filesystem::path& images() const { return images_; }  // of the pool "default"
  // Output of virsh; REQUIREs that it goes well.
  std::string virsh(std::vector<std::string> arguments);
  std::unique_ptr<Driver> driver(const std::map<std::string, std::string>& keys = {});
  // By SIGKILL; in any thread.
  void kill_daemon();
  // Anew, on what the killed one has left.
  void start_daemon();
  // No machine, no volume and nothing else is left of earlier tests.
  void clean();

 private:
  explicit LibvirtLab(const std::string& mode);
  void start();
  void start_pool();

  std::string mode_, missing_, uri_;
  std::filesystem::path images_;
  std::optional<Process> process_;
};

}  // namespace flyt::tests
