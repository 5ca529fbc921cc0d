#include "cli/run.hpp"

#include <fmt/core.h>

#include <boost/program_options.hpp>
#include <cstdio>
#include <sstream>

#include "base/version.hpp"

namespace flyt::cli {
namespace {

namespace options = boost::program_options;

constexpr int success = 0, wrong_usage = 2;

options::options_description known_options() {
  options::options_description known("Options");
  known.add_options()("help,h", "show this help")("version", "show the version");
  return known;
}

void print_help(const options::options_description& known) {
  std::ostringstream text;
  text << known;
  fmt::print("flyt moves virtual machines and proves where they landed.\n\n{}", text.str());
}

}  // namespace

int run(int argc, const char* const* argv) {
  const auto known = known_options();
  options::variables_map given;
  try {
    options::store(options::command_line_parser(argc, argv).options(known).positional({}).run(),
                   given);
  } catch (const options::error& error) {
    fmt::print(stderr, "flyt: {}\n\nSee:\n\n    flyt --help\n", error.what());
    return wrong_usage;
  }
  if (given.contains("version")) {
    fmt::print("flyt {}\n", version());
    return success;
  }
  print_help(known);
  return given.contains("help") ? success : wrong_usage;
}

}  // namespace flyt::cli
