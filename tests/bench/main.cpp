// flyt_bench [copy] [--json] [--quick]
#include <fmt/format.h>

#include <exception>
#include <string_view>

#include "tests/bench/copies.hpp"

int main(int argc, char** argv) {
  bool json = false, quick = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    json = json || word == "--json";
    quick = quick || word == "--quick";
    if (word != "--json" && word != "--quick" && word != "copy") {
      fmt::print(stderr, "flyt_bench: there is no benchmark {}; there is: copy\n", word);
      return 2;
    }
  }
  try {
    flyt::bench::run_copies({quick, [&](const auto& row) { flyt::bench::print(row, json); }});
  } catch (const std::exception& error) {
    fmt::print(stderr, "flyt_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
