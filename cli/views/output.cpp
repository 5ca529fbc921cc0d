#include "cli/views/output.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "base/durable_file.hpp"

namespace flyt::cli {
namespace {

std::atomic<int> first_failure = 0;  // an errno

}  // namespace

void put(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return;
  int none = 0;
  first_failure.compare_exchange_strong(none, errno == 0 ? EIO : errno);
}

std::optional<Error> output_error() {
  const int number = first_failure;
  if (number == 0) return std::nullopt;
  Error error = system_error("cannot write standard output", number);
  error.state = "what was shown is not whole; what was done stays done";
  return error;
}

}  // namespace flyt::cli
