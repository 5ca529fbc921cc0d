#include "drivers/libvirt/volumes.hpp"

#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

TEST_CASE("libvirt: a volume's name carries machine, migration and number", "[unit]") {
  const VolumeName name{"web01", "flyt-abcdefghij234567abcd", "0.raw"};
  CHECK(to_string(name) == "web01.flyt-abcdefghij234567abcd.0.raw");
  const auto back = volume_name_from(to_string(name));
  REQUIRE(back);
  CHECK(back->machine == name.machine);
  CHECK(back->migration_id == name.migration_id);
  CHECK(back->rest == name.rest);
  CHECK_FALSE(volume_name_from("debian-12.5.0.iso"));
  CHECK_FALSE(volume_name_from("a.flyt-x."));
  CHECK_FALSE(volume_name_from("flyt-x.raw"));
  CHECK_FALSE(volume_name_from(""));
}

TEST_CASE("libvirt: a machine's name never leaves its place in a file's name", "[unit]") {
  CHECK(file_safe("web01") == "web01");
  CHECK(file_safe("../a b.c/d") == "___a_b_c_d");
  CHECK(file_safe(std::string(300, 'x')).size() == 80);
  const auto back = volume_name_from(to_string({file_safe("a.flyt-b.c"), "flyt-x", "1.raw"}));
  REQUIRE(back);
  CHECK(back->migration_id == "flyt-x");
}

TEST_CASE("libvirt: a file is found in a description by its whole name", "[unit]") {
  const std::string name = "web01.flyt-x.0.raw";
  CHECK(names_file("<source file='/images/web01.flyt-x.0.raw'/>", name));
  CHECK(names_file("<source pool='p' volume=\"web01.flyt-x.0.raw\"/>", name));
  CHECK(
      names_file("<a b='/i/web01.flyt-x.0.raw.old'/><source file='/i/web01.flyt-x.0.raw'/>", name));
  CHECK_FALSE(names_file("<source file='/images/web01.flyt-x.0.raw.old'/>", name));
  CHECK_FALSE(names_file("<source file='/images/aweb01.flyt-x.0.raw'/>", name));
  CHECK_FALSE(names_file("<description>web01.flyt-x.0.raw</description>", name));
  CHECK_FALSE(names_file("", name));
}

}  // namespace
}  // namespace flyt::virt
