#include "movers/convert/windows_tools.hpp"

#include <cstdlib>
#include <fstream>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

using namespace flyt;
using flyt::tests::TempDir;

TEST_CASE("What Windows needs is told with where to get it and where to put it", "[convert]") {
  const TempDir folder;
  const WindowsTools tools{folder / "virtio-win.iso", folder / "tools"};
  std::vector<Error> lacks = missing(tools);
  REQUIRE(lacks.size() == 2);
  CHECK(lacks[0].remedy.at(0).find("https://fedorapeople.org/") != std::string::npos);
  CHECK(lacks[0].remedy.at(0).find(tools.drivers.native()) != std::string::npos);
  CHECK(lacks[1].remedy.at(0).find(tools.service.native()) != std::string::npos);
  CHECK(check_windows_tools(tools).error().what == lacks[0].what);

  std::ofstream(tools.drivers).flush();
  std::filesystem::create_directory(tools.service);
  CHECK(missing(tools).size() == 1);
  const char* service = GENERATE("rhsrvany.exe", "pvvxsvc.exe");
  std::ofstream(tools.service / service).flush();
  CHECK(missing(tools).empty());
  CHECK(check_windows_tools(tools));
}

TEST_CASE("Tools for Windows are looked for where virt-v2v looks", "[convert]") {
  const auto names = {"VIRTIO_WIN", "VIRTIO_WIN_DIR", "VIRT_TOOLS_DATA_DIR"};
  for (const char* name : names) ::unsetenv(name);
  CHECK(windows_tools().drivers.native().starts_with("/usr/share/virtio-win"));
  CHECK(windows_tools().service == "/usr/share/virt-tools");
  ::setenv("VIRTIO_WIN_DIR", "/dir", 1);
  CHECK(windows_tools().drivers == "/dir");
  ::setenv("VIRTIO_WIN", "/iso", 1);
  ::setenv("VIRT_TOOLS_DATA_DIR", "/tools", 1);
  CHECK(windows_tools().drivers == "/iso");
  CHECK(windows_tools().service == "/tools");
  for (const char* name : names) ::unsetenv(name);
}

TEST_CASE("A Windows without drivers is no conversion", "[convert]") {
  const WindowsTools tools{"/iso", "/tools"};
  CHECK(check_windows_drivers({"this guest has virtio drivers installed"}, tools));
  const auto words = GENERATE(
      "there is no virtio block device driver for this version of Windows (10.0 x86_64).  virt-v2v "
      "looks for this driver in C:\\x",
      "there are no virtio drivers available for this version of Windows (10.0 x86_64 Server x).");
  const Status refused = check_windows_drivers({"x", words}, tools);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().seen == words);
  CHECK(refused.error().remedy.at(0).find("/iso") != std::string::npos);
}
