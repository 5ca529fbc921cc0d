// flyt_bench [copy | PART of it] [--json] [--quick]
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>

#include "tests/bench/copies.hpp"

int main(int argc, char** argv) {
  bool json = false, quick = false;
  std::string part;
  const auto& parts = flyt::bench::copy_parts;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--quick") {
      quick = true;
    } else if (std::find(parts.begin(), parts.end(), word) != parts.end()) {
      part = word;
    } else if (word != "copy") {
      fmt::print(stderr, "flyt_bench: there is no benchmark {}; there is: copy, and of it: {}\n",
                 word, fmt::join(parts, ", "));
      return 2;
    }
  }
  try {
    flyt::bench::run_copies({quick, part, [&](const auto& row) { flyt::bench::print(row, json); }});
  } catch (const std::exception& error) {
    fmt::print(stderr, "flyt_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
