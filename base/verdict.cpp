#include "base/verdict.hpp"

namespace flyt {

std::string_view to_string(Question question) noexcept {
  switch (question) {
    case Question::bytes:
      return "bytes";
    case Question::boot:
      return "boot";
    case Question::place:
      return "place";
    case Question::operator_:
      return "operator";
    case Question::owner:
      return "owner";
  }
  return "bytes";
}

std::string_view to_string(Answer answer) noexcept {
  switch (answer) {
    case Answer::pass:
      return "PASS";
    case Answer::fail:
      return "FAIL";
    case Answer::unverified:
      return "UNVERIFIED";
  }
  return "UNVERIFIED";
}

std::string_view to_string(Basis basis) noexcept {
  switch (basis) {
    case Basis::none:
      return "none";
    case Basis::stated:
      return "stated";
    case Basis::registry:
      return "registry";
    case Basis::platform:
      return "platform";
    case Basis::measured:
      return "measured";
  }
  return "none";
}

}  // namespace flyt
