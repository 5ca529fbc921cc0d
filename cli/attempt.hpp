// Attempt<T>: a value, or an Error together with the exit status it leads to.
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "base/result.hpp"
#include "cli/exit_status.hpp"

namespace flyt::cli {

struct [[nodiscard]] Failure {
  Error error;
  ExitStatus status = ExitStatus::failed;
};

// FLYT_TRY and FLYT_ASSIGN work with it in functions that return an Attempt.
template <typename T>
class [[nodiscard]] Attempt : public tl::expected<T, Failure> {
  using Base = tl::expected<T, Failure>;

 public:
  Attempt(T value) : Base(std::move(value)) {}
  Attempt(Failure failure) : Base(tl::unexpect, std::move(failure)) {}
};

template <>
class [[nodiscard]] Attempt<void> : public tl::expected<void, Failure> {
 public:
  Attempt() = default;
  Attempt(Failure failure) : tl::expected<void, Failure>(tl::unexpect, std::move(failure)) {}
};

// How a command ends.
using Outcome = Attempt<ExitStatus>;

inline Failure failure(Error error, Origin origin) {
  const ExitStatus status = status_of(error.code, origin);
  return {std::move(error), status};
}

// A Result, and what was going on when it was made.
template <typename T>
Attempt<T> during(Origin origin, Result<T> result) {
  if (!result) return failure(std::move(result).error(), origin);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(result);
  }
}

}  // namespace flyt::cli
