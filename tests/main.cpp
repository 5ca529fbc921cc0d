// The main() of every Catch2 program here, with the listener behind tests/catch.hpp and TempDir.
#define CATCH_CONFIG_RUNNER
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.hpp"
#include "tests/temp_dir.hpp"

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using ListenerBase = Catch::EventListenerBase;
std::string text_of(const Catch::Tag& tag) { return std::string(tag.original); }
#else
using ListenerBase = Catch::TestEventListenerBase;
const std::string& text_of(const std::string& tag) { return tag; }
#endif

struct Running {
  std::string name;
  std::vector<std::string> tags;
};

Running& running() {
  static Running test;
  return test;
}

class Listener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    running() = {info.name, {}};
    for (const auto& tag : info.tags) running().tags.push_back(text_of(tag));
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    flyt::tests::end_temp_dirs(stats.totals.assertions.allOk());
  }
};

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool stands_in(std::string_view word, std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

}  // namespace

CATCH_REGISTER_LISTENER(Listener)

bool flyt::tests::may_skip(std::string_view reason) {
  for (const auto& tag : running().tags) {
    if (stands_in(tag, environment("FLYT_TEST_REQUIRE"))) return false;
  }
  std::cout << "SKIPPED " << running().name << ": " << reason << std::endl;
  if (const auto path = environment("FLYT_SKIPS"); !path.empty()) {
    std::ofstream(std::string(path), std::ios::app) << running().name << '\t' << reason << '\n';
  }
  return true;
}

int main(int argc, char** argv) {
  // As the program: libvirt's client writes to a daemon that may be gone.
  std::signal(SIGPIPE, SIG_IGN);
  return Catch::Session().run(argc, argv);
}
