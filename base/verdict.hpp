// Answers to the questions that verifiers ask. Never averaged: silence is UNVERIFIED,
// contradiction is FAIL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flyt {

enum class Question : std::uint8_t { bytes, boot, place, operator_, owner };
enum class Answer : std::uint8_t { pass, fail, unverified };
enum class Basis : std::uint8_t { none, stated, registry, platform, measured };

struct Verdict {
  Question question = Question::bytes;
  Answer answer = Answer::unverified;
  Basis basis = Basis::none;
  std::string value;                  // short, for a table: "DK", "41 s", "Guldborgsund Kommune"
  std::string why;                    // one line
  std::vector<std::string> evidence;  // what was looked at, one line each, with source and date
  std::string at;                     // when, RFC 3339 UTC; empty: judged before landing
};

std::string_view to_string(Question question) noexcept;  // "operator" for operator_
std::string_view to_string(Answer answer) noexcept;      // "PASS", "FAIL", "UNVERIFIED"
std::string_view to_string(Basis basis) noexcept;

}  // namespace flyt
