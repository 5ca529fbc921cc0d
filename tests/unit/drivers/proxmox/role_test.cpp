#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "drivers/proxmox/check.hpp"
#include "tests/catch.hpp"

namespace flyt::proxmox {
namespace {

TEST_CASE("docs/drivers/proxmox.md has the role as the code has it", "[proxmox]") {
  const char* source = std::getenv("FLYT_SOURCE");
  const std::filesystem::path folder = source == nullptr ? "." : source;
  std::ostringstream text;
  text << std::ifstream(folder / "docs/drivers/proxmox.md").rdbuf();
  const std::string line = fmt::format("pveum role add FlytMove --privs \"{}\"\n",
                                       fmt::join(role_privileges("9.1.3"), " "));
  CHECK(text.str().find(line) != std::string::npos);
  const auto older = role_privileges("8.4.1");
  CHECK(std::find(older.begin(), older.end(), "VM.Monitor") != older.end());
  CHECK(std::find(older.begin(), older.end(), "VM.GuestAgent.Audit") == older.end());
}

}  // namespace
}  // namespace flyt::proxmox
