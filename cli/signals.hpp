// Ctrl-C: the first asks to stop, the second ends the program at once.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

namespace flyt::cli {

// Takes SIGINT, SIGTERM and SIGHUP for the whole process while it lives; make it before any other
// thread. SIGPIPE is ignored from then on.
class Signals {
 public:
  // `on_first` is called once, in a thread of ours, after the stop was requested.
  explicit Signals(std::function<void()> on_first);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  std::stop_token token() const;
  bool stopped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt::cli
