#include "cli/signals.hpp"

#include <pthread.h>
#include <unistd.h>
#include <csignal>

#include <ctime>
#include <thread>

#include "cli/exit_status.hpp"

namespace flyt::cli {

struct Signals::Impl {
  std::function<void()> on_first;
  std::stop_source source;
  sigset_t taken{}, before{};
  std::jthread thread;

  void listen(const std::stop_token& end) {
    constexpr timespec patience{0, 100'000'000};
    while (!end.stop_requested()) {
      if (sigtimedwait(&taken, nullptr, &patience) < 0) continue;
      // What is half done is found again by its migration id: leaving at once loses nothing.
      if (source.stop_requested()) _exit(static_cast<int>(ExitStatus::interrupted));
      source.request_stop();
      on_first();
    }
  }
};

Signals::Signals(std::function<void()> on_first) : impl_(std::make_unique<Impl>()) {
  impl_->on_first = std::move(on_first);
  sigemptyset(&impl_->taken);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&impl_->taken, number);
  pthread_sigmask(SIG_BLOCK, &impl_->taken, &impl_->before);
  signal(SIGPIPE, SIG_IGN);
  impl_->thread = std::jthread([this](const std::stop_token& end) { impl_->listen(end); });
}

Signals::~Signals() {
  impl_->thread.request_stop();
  impl_->thread.join();
  pthread_sigmask(SIG_SETMASK, &impl_->before, nullptr);
}

std::stop_token Signals::token() const { return impl_->source.get_token(); }
bool Signals::stopped() const { return impl_->source.stop_requested(); }

}  // namespace flyt::cli
