#include <fmt/format.h>

#include <string>

#include "base/units.hpp"
#include "tests/catch.hpp"
#include "verifiers/verifier.hpp"

namespace flyt {
namespace {

// In pieces of every length that matters.
ConsoleSigns read_in_pieces(const std::string& text, const std::string& marker, std::size_t piece) {
  ConsoleReader reader(marker);
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.add({true, at == 0, text.substr(at, piece)});
  }
  return reader.signs();
}

const std::string flood = std::string(128 * kib, 'x') + '\n';
const std::string panic = "[  2.1] Kernel panic - not syncing: no root\r\n";

TEST_CASE("A marker is seen, whatever follows it and wherever it was cut", "[verifiers]") {
  const std::string before = "booting\nGUEST-READY 4711\n";
  for (std::size_t piece = 1; piece <= before.size(); ++piece) {
    INFO(piece);
    CHECK(read_in_pieces(before, "GUEST-READY", piece).alive());
    CHECK(read_in_pieces(before, "login:", piece).marker_seen == false);
  }
  CHECK(read_in_pieces(before + flood + flood, "GUEST-READY", 64 * kib).alive());
  const std::string longer(10'000, 'm');  // than what is kept otherwise
  CHECK(read_in_pieces(longer, longer, 100).alive());
  CHECK(read_in_pieces("web01 login: " + flood, "", 1000).alive());
}

TEST_CASE("What comes last decides, marker or trouble", "[verifiers]") {
  const std::string died = fmt::format("login:\n{0}{1}{0}", flood, panic);
  const std::string came_back = fmt::format("{1}{0}login:{0}", flood, panic);
  for (const std::size_t piece : {1, 7, 1000, 1 << 24}) {
    INFO(piece);
    const ConsoleSigns dead = read_in_pieces(died, "", piece * 64);
    CHECK(dead.marker_seen);
    CHECK_FALSE(dead.alive());
    CHECK(dead.trouble == "[  2.1] Kernel panic - not syncing: no root");
    CHECK(read_in_pieces(came_back, "", piece * 64).alive());
  }
  const ConsoleSigns whole = read_in_pieces(panic, "", 1);
  CHECK(whole.trouble == "[  2.1] Kernel panic - not syncing: no root");
}

TEST_CASE("A new log owes nothing to the one before", "[verifiers]") {
  ConsoleReader reader("READY");
  reader.add({true, true, "READY and REA"});
  CHECK(reader.signs().alive());
  reader.add({true, true, "DY"});
  CHECK_FALSE(reader.signs().marker_seen);
  CHECK(reader.signs().known);
  reader.add({true, false, "\nREADY"});
  CHECK(reader.signs().alive());
}

}  // namespace
}  // namespace flyt
