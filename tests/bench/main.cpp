// flyt_bench [copy | ssh | vsphere | PART of one] [--json] [--quick]
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>

#include "tests/bench/copies.hpp"
#include "tests/bench/ssh.hpp"
#include "tests/bench/vsphere.hpp"

namespace {

using namespace flyt::bench;

template <typename Parts>
bool is_part(const Parts& parts, std::string_view word) {
  return std::find(parts.begin(), parts.end(), word) != parts.end();
}

int unknown(std::string_view word) {
  fmt::print(
      stderr,
      "flyt_bench: there is no benchmark {}; there are: copy, and of it: {}; ssh, and of it: "
      "{}; vsphere, and of it: {}\n",
      word, fmt::join(copy_parts, ", "), fmt::join(ssh_parts, ", "),
      fmt::join(vsphere_parts, ", "));
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false, quick = false, copy = true, ssh = true, vsphere = true;
  std::string part;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--quick") {
      quick = true;
    } else if (word == "copy" || is_part(copy_parts, word)) {
      ssh = vsphere = false;
      if (word != "copy") part = word;
    } else if (word == "ssh" || is_part(ssh_parts, word)) {
      copy = vsphere = false;
      if (word != "ssh") part = word;
    } else if (word == "vsphere" || is_part(vsphere_parts, word)) {
      copy = ssh = false;
      if (word != "vsphere") part = word;
    } else {
      return unknown(word);
    }
  }
  const auto out = [&](const Row& row) { print(row, json); };
  try {
    if (copy) run_copies({quick, part, out});
    if (ssh) run_ssh({quick, part, out});
    if (vsphere) run_vsphere({quick, part, out});
  } catch (const std::exception& error) {
    fmt::print(stderr, "flyt_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
