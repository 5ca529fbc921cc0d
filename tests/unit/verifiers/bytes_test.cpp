#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "verifiers/verifier.hpp"

namespace {

flyt::Digest root(unsigned char fill) {
  flyt::Digest digest;
  digest.fill(std::byte{fill});
  return digest;
}

// Three blocks, the last one short, nothing converted.
flyt::BytesRecord same(const std::string& disk = "0") {
  flyt::BytesRecord record;
  record.disk = disk;
  record.source_root = record.expected_root = record.read_root = root(1);
  record.length = (2U << 20) + 512;
  record.blocks = record.equal_source = 3;
  return record;
}

flyt::BytesRecord converted() {
  flyt::BytesRecord record = same();
  record.expected_root = record.read_root = root(2);
  record.equal_source = 2;
  record.equal_conversion = 1;
  return record;
}

}  // namespace

TEST_CASE("Bytes pass when every disk reads as the source or the conversion", "[verifiers]") {
  const auto plain = flyt::judge_bytes({same()}, 1, "2026-11-24T01:00:00Z");
  CHECK(plain.question == flyt::Question::bytes);
  CHECK(plain.answer == flyt::Answer::pass);
  CHECK(plain.basis == flyt::Basis::measured);
  CHECK(plain.value == "identical");
  CHECK(plain.at == "2026-11-24T01:00:00Z");
  REQUIRE(plain.evidence.size() == 1);
  CHECK_THAT(plain.evidence[0], Catch::Matchers::Contains("read root 0101"));

  const auto with_conversion = flyt::judge_bytes({converted()}, 1, "");
  CHECK(with_conversion.answer == flyt::Answer::pass);
  CHECK(with_conversion.value == "1 block converted");

  auto empty = same();
  empty.length = empty.blocks = empty.equal_source = 0;
  CHECK(flyt::judge_bytes({empty}, 1, "").answer == flyt::Answer::pass);
}

TEST_CASE("Bytes that were sent after they were read back are not proven", "[verifiers]") {
  auto sent = converted();
  sent.landed = flyt::LandedDisk{"scsi0", "data:vm-9-disk-1", 77, "ab12", "an import"};
  const auto verdict = flyt::judge_bytes({sent}, 1, "");
  CHECK(verdict.answer == flyt::Answer::unverified);
  CHECK(verdict.value == "sent");
  CHECK_THAT(verdict.why, Catch::Matchers::Contains("or the recorded conversion") &&
                              Catch::Matchers::Contains("arrived with its SHA-256") &&
                              Catch::Matchers::Contains("was not read back: an import"));
  REQUIRE(verdict.evidence.size() == 2);
  CHECK_THAT(verdict.evidence[1], Catch::Matchers::Contains("SHA-256 ab12 was compared") &&
                                      Catch::Matchers::Contains("data:vm-9-disk-1"));

  sent.landed->sha256.clear();
  CHECK_THAT(flyt::judge_bytes({sent}, 1, "").why, !Catch::Matchers::Contains("SHA-256"));
  // What is wrong before it is sent is wrong.
  sent.different_blocks = 1;
  CHECK(flyt::judge_bytes({sent}, 1, "").answer == flyt::Answer::fail);
}

TEST_CASE("Bytes fail on any contradiction", "[verifiers]") {
  struct Case {
    const char* why;
    void (*spoil)(flyt::BytesRecord&);
  };
  const std::vector<Case> cases = {
      {"1 block of 3 read back different: 2",
       [](flyt::BytesRecord& r) {
         r.different_blocks = 1;
         r.different = {2};
         r.equal_source = 2;
       }},
      {"root over what was read back", [](flyt::BytesRecord& r) { r.read_root = root(9); }},
      {"no block was converted",
       [](flyt::BytesRecord& r) { r.expected_root = r.read_root = root(9); }},
      {"other bytes beside its own", [](flyt::BytesRecord& r) { r.outside_equal = false; }},
      {"is not zero", [](flyt::BytesRecord& r) { r.tail_zero = false; }},
  };
  for (const Case& one : cases) {
    INFO(one.why);
    auto record = same("1");
    one.spoil(record);
    const auto verdict = flyt::judge_bytes({same(), record}, 2, "");
    CHECK(verdict.answer == flyt::Answer::fail);
    CHECK_THAT(verdict.why, Catch::Matchers::StartsWith("disk 1: "));
    CHECK_THAT(verdict.why, Catch::Matchers::Contains(one.why));
  }
}

TEST_CASE("Bytes fail where the manifest is not what copy and commit reported", "[verifiers]") {
  auto plain = same();
  plain.copied_root = root(1);
  CHECK(flyt::judge_bytes({plain}, 1, "").answer == flyt::Answer::pass);
  auto whole = converted();
  whole.copied_root = root(1);
  whole.committed_root = root(2);
  CHECK(flyt::judge_bytes({whole}, 1, "").answer == flyt::Answer::pass);

  struct Case {
    const char* why;
    flyt::BytesRecord record;
  };
  std::vector<Case> cases;
  cases.push_back({"source root is not the one that the copy reported", plain});
  cases.back().record.copied_root = root(9);
  cases.push_back({"source root is not the one that the copy reported", whole});
  cases.back().record.copied_root = root(9);
  cases.push_back({"not the one that the commit of the conversion reported", whole});
  cases.back().record.committed_root = root(9);
  cases.push_back({"not the one that the commit of the conversion reported", plain});
  cases.back().record.committed_root = root(2);
  cases.push_back({"1 block of a conversion that the plan has not", whole});
  cases.back().record.committed_root.reset();
  for (const Case& one : cases) {
    INFO(one.why);
    const auto verdict = flyt::judge_bytes({one.record}, 1, "");
    CHECK(verdict.answer == flyt::Answer::fail);
    CHECK_THAT(verdict.why, Catch::Matchers::Contains(one.why));
  }
}

TEST_CASE("Bytes are unverified where something was not looked at", "[verifiers]") {
  const auto none = flyt::judge_bytes({}, 2, "");
  CHECK(none.answer == flyt::Answer::unverified);
  CHECK(none.basis == flyt::Basis::none);
  CHECK(none.why == "0 of 2 disks read back");
  CHECK(flyt::judge_bytes({same("0"), same("0")}, 2, "").why == "1 of 2 disks read back");
  CHECK(flyt::judge_bytes({}, 0, "").answer == flyt::Answer::unverified);

  auto partly = same();
  partly.blocks = partly.equal_source = 2;
  CHECK(flyt::judge_bytes({partly}, 1, "").why == "disk 0: only 2 of 3 blocks were read back");
  auto uncompared = same();
  uncompared.equal_source = 1;
  CHECK(flyt::judge_bytes({uncompared}, 1, "").answer == flyt::Answer::unverified);

  auto late = same();
  late.before_power_on = false;
  late.read_root = root(9);  // the guest has written since: no contradiction
  const auto verdict = flyt::judge_bytes({late}, 1, "");
  CHECK(verdict.answer == flyt::Answer::unverified);
  CHECK_THAT(verdict.why, Catch::Matchers::Contains("after the machine had been started"));
}

TEST_CASE("A contradiction outweighs a missing disk", "[verifiers]") {
  auto bad = same();
  bad.tail_zero = false;
  CHECK(flyt::judge_bytes({bad}, 2, "").answer == flyt::Answer::fail);
}
