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

TEST_CASE("docs/drivers/proxmox.md has the roles as the code has them", "[proxmox]") {
  const char* source = std::getenv("FLYT_SOURCE");
  const std::filesystem::path folder = source == nullptr ? "." : source;
  std::ostringstream text;
  text << std::ifstream(folder / "docs/drivers/proxmox.md").rdbuf();
  const auto line = [](std::string_view name, Side side) {
    return fmt::format("\npveum role add {} --privs \"{}\"\n", name,
                       fmt::join(role_privileges(side, "9.1.3"), " "));
  };
  CHECK(text.str().find(line("FlytMove", Side::target)) != std::string::npos);
  CHECK(text.str().find(line("FlytSource", Side::source)) != std::string::npos);
  for (const Side side : {Side::source, Side::target}) {
    const auto older = role_privileges(side, "8.4.1");
    CHECK(std::find(older.begin(), older.end(), "VM.Monitor") != older.end());
    CHECK(std::find(older.begin(), older.end(), "VM.GuestAgent.Audit") == older.end());
  }
}

}  // namespace
}  // namespace flyt::proxmox
