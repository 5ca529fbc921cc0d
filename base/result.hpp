// Result<T>: a value or an Error. What a flyt function returns when it can fail.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace flyt {

// What the caller may do about a failure; never a platform's own number.
enum class Errc : std::uint8_t {
  invalid,      // the request is wrong; trying again cannot help
  not_found,    // no such machine, disk, network, file ...
  exists,       // the name is taken by something we did not create
  unsupported,  // the driver, server or format cannot do it
  denied,       // authentication, certificate or permission
  unavailable,  // down, busy, full or throttling; may be tried again
  timed_out,    // the outcome is unknown until read back; may be tried again
  cancelled,    // a stop was requested
  corrupt,      // data read back differs from what was written or stated
  internal,     // a bug here or in a driver
};

constexpr bool is_transient(Errc code) noexcept {
  return code == Errc::unavailable || code == Errc::timed_out;
}

std::string_view to_string(Errc code) noexcept;

// An error as a person reads it; docs/design.md "Errors" shows one printed. Only `code` and `what`
// are always there. No member ever holds a secret.
struct [[nodiscard]] Error {
  Errc code = Errc::internal;
  std::string what;                      // one line, outermost context first: "web01: disk 0: ..."
  std::string seen = {};                 // the platform's own words, and where they were seen
  std::string why = {};                  // the likely cause
  std::string state = {};                // what is true now: what is kept, what was not touched
  std::vector<std::string> remedy = {};  // what to do; a command stands alone in its line

  // Puts context in front of `what`.
  Error within(std::string_view context) &&;
};

// The part of std::expected that we use. [[nodiscard]], implicit from a value or an Error.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  Result(T value) : Base(std::move(value)) {}
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}
  template <typename U>
  requires(std::convertible_to<U&&, T> && !std::same_as<std::remove_cvref_t<U>, T> &&
           !std::derived_from<std::remove_cvref_t<U>, Base> &&
           !std::same_as<std::remove_cvref_t<U>, Error>) Result(U&& value)
      : Base(T(std::forward<U>(value))) {}
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  Result() = default;
  Result(Error error) : tl::expected<void, Error>(tl::unexpect, std::move(error)) {}
};

using Status = Result<void>;
inline Status ok() { return {}; }

// Adds context to a failure and leaves a success alone: within("web01", driver.open(...)).
template <typename T>
Result<T> within(std::string_view context, Result<T> result) {
  if (result) return result;
  return std::move(result.error()).within(context);
}

}  // namespace flyt

#define FLYT_JOIN_(a, b) a##b
#define FLYT_JOIN(a, b) FLYT_JOIN_(a, b)

// Returns the Error of `expression`, a Result or Status, to the caller.
#define FLYT_TRY(expression)                             \
  do {                                                   \
    if (auto flyt_status = (expression); !flyt_status) { \
      return std::move(flyt_status).error();             \
    }                                                    \
  } while (false)

// FLYT_ASSIGN(const auto size, size_of(file)): declares from a Result, or returns its Error.
#define FLYT_ASSIGN(declaration, expression)                     \
  auto FLYT_JOIN(flyt_result_, __LINE__) = (expression);         \
  if (!FLYT_JOIN(flyt_result_, __LINE__)) {                      \
    return std::move(FLYT_JOIN(flyt_result_, __LINE__)).error(); \
  }                                                              \
  declaration = *std::move(FLYT_JOIN(flyt_result_, __LINE__))
