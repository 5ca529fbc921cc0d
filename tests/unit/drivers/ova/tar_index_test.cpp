#include "drivers/ova/tar_index.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <vector>

#include "drivers/shared/byte_source.hpp"
#include "tests/catch.hpp"
#include "tests/unit/drivers/ova/package_maker.hpp"

using namespace flyt;
using flyt::tests::pax;
using flyt::tests::tar;
using flyt::tests::tar_entry;

namespace {

Result<std::vector<ova::TarMember>> index(const std::string& archive) {
  return ova::index_tar(*memory_window("a.ova", archive), {});
}

Errc code_of(const std::string& archive) {
  const auto members = index(archive);
  REQUIRE_FALSE(members);
  CHECK_THAT(members.error().what, Catch::Matchers::StartsWith("a.ova: "));
  return members.error().code;
}

struct Found {
  std::string name, content;
  bool operator==(const Found&) const = default;
};

// What libarchive, a reader of another hand, sees.
std::vector<Found> judge(const std::string& archive) {
  const std::unique_ptr<::archive, int (*)(::archive*)> reader(archive_read_new(),
                                                               archive_read_free);
  archive_read_support_format_tar(reader.get());
  REQUIRE(archive_read_open_memory(reader.get(), archive.data(), archive.size()) == ARCHIVE_OK);
  std::vector<Found> found;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    Found one{archive_entry_pathname(entry), {}};
    one.content.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    REQUIRE(archive_read_data(reader.get(), one.content.data(), one.content.size()) ==
            static_cast<ssize_t>(one.content.size()));
    found.push_back(std::move(one));
  }
  return found;
}

std::vector<Found> ours(const std::string& archive) {
  const auto members = index(archive);
  REQUIRE(members);
  std::vector<Found> found;
  for (const ova::TarMember& member : *members) {
    found.push_back({member.name, archive.substr(member.offset, member.size)});
  }
  return found;
}

}  // namespace

TEST_CASE("Members of tar archives lie where libarchive finds them", "[ova]") {
  const std::string deep = fmt::format("{:d>140}/{:f>110}", "", "");
  std::string archive;
  SECTION("POSIX") {
    archive = tar({{"web01.ovf", "text"}, {"empty", ""}, {"one block", std::string(512, 'x')}});
  }
  SECTION("without an end marker") { archive = tar_entry({"a", std::string(513, 'a')}); }
  SECTION("GNU, sizes in base 256") {
    archive = tar({{"a", "content", '0', "", true, true}, {"b", "more", '\0', "", true}});
  }
  SECTION("GNU long names") {
    archive = tar({{"././@LongLink", deep + '\0', 'L', "", true}, {"short", "x", '0', "", true}});
  }
  SECTION("pax names and sizes") {
    archive = tar({{"p", pax({{"path", deep}, {"mtime", "1.5"}}), 'x'},
                   {"short", "x"},
                   {"g", pax({{"comment", "all"}}), 'g'},
                   {"plain", "y"}});
  }
  SECTION("folders between") { archive = tar({{"d/", "", '5'}, {"d/a.ovf", "x"}}); }
  CHECK(ours(archive) == judge(archive));
  CHECK_FALSE(ours(archive).empty());
}

TEST_CASE("A pax size rules over the header's", "[ova]") {
  // The header's own size is what old readers see.
  std::string member = tar_entry({"a", std::string(700, 'x')});
  const auto members =
      index(tar_entry({"p", pax({{"size", "600"}}), 'x'}) + member + std::string(1024, '\0'));
  REQUIRE(members);
  CHECK(members->front().size == 600);
}

TEST_CASE("Names are freed of ./", "[ova]") {
  const auto members = index(tar({{"./web01.ovf", "x"}}));
  REQUIRE(members);
  CHECK(members->front().name == "web01.ovf");
}

TEST_CASE("What no package may hold is refused", "[ova]") {
  CHECK(code_of(tar({{"/etc/passwd", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"../x", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"a/../../x", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"a//x", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"a\\x", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"a\nx", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"\xff", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"p", pax({{"path", "../x"}}), 'x'}, {"x", "x"}})) == Errc::invalid);
  CHECK(code_of(tar({{"link", "", '2', "/etc/passwd"}})) == Errc::invalid);
  CHECK(code_of(tar({{"link", "", '1', "a"}})) == Errc::invalid);
  CHECK(code_of(tar({{"device", "", '3'}})) == Errc::invalid);
  CHECK(code_of(tar({{"pipe", "", '6'}})) == Errc::invalid);
  CHECK(code_of(tar({{"a", "1"}, {"./a", "2"}})) == Errc::invalid);
  CHECK(code_of(tar({{"sparse", "x", 'S', "", true}})) == Errc::unsupported);
  CHECK(code_of(tar({{"volume", "x", 'M', "", true}})) == Errc::unsupported);
  CHECK(code_of(tar({{"g", pax({{"path", "x"}}), 'g'}, {"x", "x"}})) == Errc::unsupported);
  CHECK(code_of(tar({{"p", pax({{"GNU.sparse.major", "1"}}), 'x'}, {"x", "x"}})) ==
        Errc::unsupported);
}

TEST_CASE("Extension headers without end are refused", "[ova]") {
  const std::string header = tar_entry({"././@LongLink", std::string(1 << 20, 'n'), 'L', "", true});
  std::string archive;
  for (int i = 0; i != 64; ++i) archive += header;
  CHECK(code_of(archive + tar({{"a", "x"}})) == Errc::invalid);  // for its name alone
  CHECK(code_of(archive + header + tar({{"a", "x"}})) == Errc::corrupt);
}

TEST_CASE("A damaged or cut archive is seen", "[ova]") {
  CHECK(code_of("") == Errc::corrupt);
  CHECK(code_of(std::string(1024, '\0')) == Errc::corrupt);
  CHECK(code_of("no tar at all") == Errc::corrupt);
  CHECK(code_of(std::string(2048, 'x')) == Errc::corrupt);
  const std::string good = tar({{"a", std::string(1000, 'a')}, {"b", std::string(1000, 'b')}});
  for (const std::size_t length : {100U, 600U, 1500U, 1600U, 2100U, 3000U}) {
    INFO("cut after " << length);
    CHECK(code_of(good.substr(0, length)) == Errc::corrupt);
  }
  std::string flipped = good;
  flipped[0] = 'z';
  CHECK(code_of(flipped) == Errc::corrupt);
  CHECK(code_of(tar({{"a", "x", '0', "", false, false, 5000}})) == Errc::corrupt);
  CHECK(code_of(tar({{"a", "x", '0', "", false, true, std::uint64_t{1} << 62}})) == Errc::corrupt);
  CHECK(code_of(tar({{"p", "99 path=x\n", 'x'}, {"x", "x"}})) == Errc::corrupt);
  CHECK(code_of(tar({{"p", "x", 'x'}, {"x", "x"}})) == Errc::corrupt);
  CHECK(code_of(tar({{"p", pax({{"size", "-1"}}), 'x'}, {"x", "x"}})) == Errc::corrupt);
}
