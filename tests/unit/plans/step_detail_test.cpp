#include "plans/step_detail.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

const char* const copy_text =
    R"({"root":"ab","length":4096,"read_bytes":1,"written_bytes":2,"kept_bytes":3,)"
    R"("distrusted":false,"view":2})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_CASE("a copy's record comes back as it was", "[plans][step_detail]") {
  const auto copy = copy_detail(copy_text);
  REQUIRE(copy);
  CHECK(copy->length == 4096);
  CHECK(copy->view == 2);
  const auto again = copy_detail(detail_of(*copy));
  REQUIRE(again);
  CHECK(again->kept_bytes == 3);
}

TEST_CASE("a record with a number that does not fit is not taken for another",
          "[plans][step_detail]") {
  const std::string wrong[] = {
      replaced(copy_text, "4096", "-1"), replaced(copy_text, "4096", "1.5"),
      replaced(copy_text, "4096", "\"7\""), replaced(copy_text, "\"view\":2", "\"view\":-2"),
      replaced(copy_text, "\"view\":2", "\"view\":4294967296")};
  for (const std::string& text : wrong) {
    CAPTURE(text);
    const auto copy = copy_detail(text);
    REQUIRE_FALSE(copy);
    CHECK(copy.error().code == Errc::corrupt);
  }
  CHECK_FALSE(view_detail(R"({"name":"flyt-1","number":-1})"));
  CHECK_FALSE(
      commit_detail(R"({"root":"","changed_bytes":-1,"changed_blocks":0,"outside_equal":true})"));
  CHECK_FALSE(conversion_detail(
      R"({"program":"","log":"","warnings":[],"disks":[{"overlay":"x","changed":[[-1,2,false]]}]})"));
}

TEST_CASE("of a first start is known what it says, and no more", "[plans][step_detail]") {
  CHECK(first_start_detail(detail_of_first_start(true)));
  CHECK_FALSE(first_start_detail(detail_of_first_start(false)));
  for (const char* text : {"", "{}", R"({"knows":1})", R"(["knows"])"}) {
    CHECK_FALSE(first_start_detail(text));
  }
}

TEST_CASE("how a disk was landed comes back as it was", "[plans][step_detail]") {
  const std::vector<LandedDisk> disks{{"scsi0", "data:vm-9-disk-1", 4096, "ab", "nobody looks"},
                                      {"scsi1", "data:vm-9-disk-2", 0, "", ""}};
  const auto again = landed_detail(detail_of(disks));
  REQUIRE(again);
  REQUIRE(again->size() == 2);
  CHECK(again->at(0).disk == "scsi0");
  CHECK(again->at(0).volume == "data:vm-9-disk-1");
  CHECK(again->at(0).sent_bytes == 4096);
  CHECK(again->at(0).sha256 == "ab");
  CHECK(again->at(0).unread == "nobody looks");
  for (const char* text : {"", "{}", R"({"landed":7})", R"({"landed":[{"disk":"scsi0"}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(landed_detail(text));
  }
}

TEST_CASE("what a machine was enrolled in comes back as it was", "[plans][step_detail]") {
  Enrolment enrolment;
  enrolment.start_delay = 0;
  enrolment.firewall = {"web", "ssh"};
  const auto again = enrolment_detail(detail_of(enrolment));
  REQUIRE(again);
  CHECK(*again == enrolment);
  for (const char* text : {"", "{}", R"({"enrolled":7})", R"({"enrolled":{"ha":7}})"}) {
    CAPTURE(text);
    CHECK_FALSE(enrolment_detail(text));
  }
}

TEST_CASE("verdicts that cannot be read are a damaged record", "[plans][step_detail]") {
  for (const char* text : {"", "{}", R"({"verdicts":7})", R"({"verdicts":["PASS"]})",
                           R"({"verdicts":[{"question":"bytes","answer":"MAYBE"}]})"}) {
    CAPTURE(text);
    const auto verdicts = verdicts_detail(text);
    REQUIRE_FALSE(verdicts);
    CHECK(verdicts.error().code == Errc::corrupt);
  }
}

}  // namespace
}  // namespace flyt
