#include "base/shell_word.hpp"

#include <string>

#include "base/process.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

std::string read_by_sh(const std::string& word) {
  return run({{"sh", "-c", "printf '<%s>' " + shell_word(word)}}, {}).value().output;
}

TEST_CASE("plain words stay as they are", "[shell_word]") {
  CHECK(shell_word("flyt@vsphere.local") == "flyt@vsphere.local");
  CHECK(shell_word("Ærø.json") == "Ærø.json");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("my plan.json") == "'my plan.json'");
  CHECK(shell_word("o'clock") == "'o'\\''clock'");
}

TEST_CASE("a shell reads every byte as one word", "[shell_word]") {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(read_by_sh(all) == "<" + all + ">");
  for (const std::string word : {"", " ", "'", "''", "$(reboot)", "`reboot`", "~", "*", "a\nb",
                                 "-n", "a=b", "#", "!", "\\", "\"", "O'Brien; reboot"}) {
    CAPTURE(word);
    CHECK(read_by_sh(word) == "<" + word + ">");
  }
}

}  // namespace
}  // namespace flyt
