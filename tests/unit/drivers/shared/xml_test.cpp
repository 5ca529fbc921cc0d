#include "drivers/shared/xml.hpp"

#include <fmt/format.h>

#include "drivers/shared/utf8.hpp"
#include "tests/catch.hpp"

using namespace flyt;

namespace {

Errc code_of(const std::string& text, const XmlLimits& limits = {}) {
  const auto document = parse_xml(text, "a.xml", limits);
  REQUIRE_FALSE(document);
  CHECK_THAT(document.error().what, Catch::Matchers::StartsWith("a.xml: "));
  return document.error().code;
}

}  // namespace

TEST_CASE("XML is read without its prefixes", "[xml]") {
  const auto document = parse_xml(
      R"(<?xml version="1.0"?><o:a xmlns:o="urn:o" xmlns:id="urn:x" o:id=" 7 "><p:b> x &amp; y </p:b><b>2</b></o:a>)",
      "a.xml");
  REQUIRE(document);
  const auto root = (*document)->document_element();
  CHECK(xml_attribute_text(root, "id") == "7");
  CHECK(xml_child_text(root, "b") == "x & y");
  CHECK(xml_children(root, "b").size() == 2);
  CHECK_FALSE(xml_child(root, "c"));
  CHECK(xml_child_text(root, "c").empty());
  CHECK(xml_attribute_text(root, "none").empty());
}

TEST_CASE("XML that could harm is refused", "[xml]") {
  // A billion laughs, and a file of the reader's: no document type, no entities.
  CHECK(code_of(R"(<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>)") ==
        Errc::invalid);
  CHECK(code_of(R"(<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>)") ==
        Errc::invalid);
  CHECK(code_of("<!DOCTYPE html><a/>") == Errc::invalid);
  std::string deep;
  for (int i = 0; i != 10'000; ++i) deep += "<a>";
  CHECK(code_of(deep) == Errc::invalid);
  CHECK(code_of("<a>" + std::string(100, ' ') + "</a>", {50}) == Errc::invalid);
  CHECK(code_of("<a><b/><b/><b/></a>", {1000, 3}) == Errc::invalid);
  CHECK(code_of("<a>\xff</a>") == Errc::invalid);
  CHECK(code_of("<a b='&#xD800;'/>") == Errc::invalid);
  CHECK(code_of("<a>&#7;</a>") == Errc::invalid);
}

TEST_CASE("Text of XML is mended where that is wanted, and refuses nothing then", "[xml]") {
  const XmlLimits mending{1000, 100, 8, true};
  const auto document =
      parse_xml("<a b='&#xD800;x&#7;'>one &#27;[31m\xff\xfe two&#x85;</a>", "a.xml", mending);
  REQUIRE(document);
  const auto root = (*document)->document_element();
  CHECK(xml_attribute_text(root, "b") == "\ufffdx\ufffd");
  CHECK(xml_text(root) == "one \ufffd[31m\ufffd\ufffd two\ufffd");
  CHECK(code_of("<a\xff/>", mending) == Errc::invalid);
  CHECK(code_of("<!DOCTYPE html><a/>", mending) == Errc::invalid);
}

TEST_CASE("What is no XML is corrupt", "[xml]") {
  for (const char* text : {"", "text", "<a>", "<a></b>", "<a b=c/>", "<a"}) {
    INFO(text);
    CHECK(code_of(text) == Errc::corrupt);
  }
}

TEST_CASE("Clean UTF-8 is told from the rest", "[xml]") {
  CHECK(is_clean_utf8("Ærø \xf0\x9f\x9a\xa2"));
  CHECK(is_clean_utf8("a\tb\r\n", true));
  CHECK_FALSE(is_clean_utf8("a\tb"));
  CHECK_FALSE(is_clean_utf8("\xc0\xaf"));          // too long
  CHECK_FALSE(is_clean_utf8("\xe0\x80\xaf"));      // too long
  CHECK_FALSE(is_clean_utf8("\xed\xa0\x80"));      // a surrogate
  CHECK_FALSE(is_clean_utf8("\xf4\x90\x80\x80"));  // beyond Unicode
  CHECK_FALSE(is_clean_utf8("\xc3"));
  CHECK_FALSE(is_clean_utf8("\x7f"));
  CHECK_FALSE(is_clean_utf8("\xc2\x9b"));  // a terminal's control character
  CHECK(clean_utf8("Ærø \xf0\x9f\x9a\xa2") == "Ærø \xf0\x9f\x9a\xa2");
  CHECK(clean_utf8("a\tb", true) == "a\tb");
  CHECK(clean_utf8("a\tb\xc2\x9b"
                   "c\xe0\x80\xaf\xc3") == "a\ufffdb\ufffdc\ufffd\ufffd");
}
