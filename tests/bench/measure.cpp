#include "tests/bench/measure.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace flyt::bench {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

Cost in_child(const std::function<bool()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child || status != 0) {
    throw std::runtime_error(fmt::format("a measured process ended with status {}", status));
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1024};
}

Cost in_this_process(const std::function<bool()>& work) {
  const auto used = [] {
    rusage own{}, of_children{};
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &of_children);
    return seconds(own.ru_utime) + seconds(own.ru_stime) + seconds(of_children.ru_utime) +
           seconds(of_children.ru_stime);
  };
  const double before = used();
  const auto begin = std::chrono::steady_clock::now();
  if (!work()) throw std::runtime_error("what was to be measured has failed");
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), used() - before, 0};
}

Cost of_program(const std::vector<std::string>& argv) {
  return in_child([&] {
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    execvp(words[0], words.data());
    return false;
  });
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

void print(const Row& row, bool json) {
  if (json) {
    fmt::print("{{\"name\":\"{}\",\"value\":{:.3f},\"unit\":\"{}\",\"goal\":\"{}\"}}\n", row.name,
               row.value, row.unit, row.goal);
  } else {
    fmt::print("{:44} {:8.3f} {:6} {:8} {}\n", row.name, row.value, row.unit, row.goal, row.detail);
  }
  std::fflush(stdout);
}

}  // namespace flyt::bench
