#include "cli/toml_table.hpp"

#include "tests/catch.hpp"

using flyt::cli::TomlTable;

TEST_CASE("a table outlives the document it was read from", "[cli][site]") {
  std::optional<TomlTable> inner;
  {
    auto root = TomlTable::parse("[a.b]\nc = \"d\"\n", "x.toml");
    REQUIRE(root);
    auto a = root->table("a");
    REQUIRE(a);
    auto b = (*a)->table("b");
    REQUIRE(b);
    inner = *b;
  }
  CHECK(inner->path() == "a.b");
  CHECK(inner->text("c").value() == "d");
  CHECK(inner->text("e").value() == std::nullopt);
  CHECK_FALSE(inner->integer("c"));
  CHECK(inner->wrong("c", "is wrong").what == "x.toml line 2: a.b.c: is wrong");
}
