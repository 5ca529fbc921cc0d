#include "cli/plan_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include "base/durable_file.hpp"
#include "plans/plan_document.hpp"
#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace {

namespace fs = std::filesystem;
using flyt::Errc;
using flyt::Plan;
using flyt::cli::check_plan_file;
using flyt::cli::write_plan;

Plan some_plan() {
  Plan plan;
  plan.flyt_version = "0.1.0";
  plan.digest = flyt::plan_digest(plan);
  return plan;
}

void put(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

}  // namespace

TEST_CASE("a plan is written where nothing but a plan is lost", "[cli]") {
  const flyt::tests::TempDir folder;
  const fs::path site = folder.path() / "flyt.toml", file = folder.path() / "plan.json";
  put(site, "[site]\n");
  CHECK(check_plan_file(file, site));
  put(file, "");
  CHECK(check_plan_file(file, site));
  REQUIRE(write_plan(file, some_plan()));
  CHECK(check_plan_file(file, site));
  CHECK(flyt::read_plan(file));

  put(folder.path() / "notes", "keep me");
  put(folder.path() / "some.json", "{}");
  fs::create_symlink(file, folder.path() / "link");
  fs::create_directory(folder.path() / "folder");
  for (const fs::path& other :
       {site, folder.path() / "." / "flyt.toml", folder.path() / "notes",
        folder.path() / "some.json", folder.path() / "link", folder.path() / "folder",
        folder.path() / "folder/", fs::path("/dev/null"), fs::path("/dev/full"), fs::path()}) {
    CAPTURE(other);
    const auto status = check_plan_file(other, site);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Errc::invalid);
  }
}

TEST_CASE("a folder that is not there is named before anything is asked", "[cli]") {
  const flyt::tests::TempDir folder;
  const auto status =
      check_plan_file(folder.path() / "none/plan.json", folder.path() / "flyt.toml");
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::not_found);
  CHECK(status.error().what == "there is no folder " + (folder.path() / "none").string());
}

TEST_CASE("no plan is written that could not be read again", "[cli]") {
  const flyt::tests::TempDir folder;
  const fs::path file = folder.path() / "plan.json";
  Plan plan = some_plan();
  plan.estimate.copy_bytes = std::uint64_t{1} << 53;
  plan.digest = flyt::plan_digest(plan);
  CHECK_FALSE(write_plan(file, plan));
  CHECK_FALSE(fs::exists(file));
}
