// The members of a verdict, as plans, journals and --json name them.
#pragma once

#include <array>

#include "base/fields_json.hpp"
#include "base/verdict.hpp"

namespace flyt {

template <>
struct Fields<Verdict> {
  static constexpr std::array questions = {Question::bytes, Question::boot, Question::place,
                                           Question::operator_, Question::owner};
  static constexpr std::array answers = {Answer::pass, Answer::fail, Answer::unverified};
  static constexpr std::array bases = {Basis::none, Basis::stated, Basis::registry, Basis::platform,
                                       Basis::measured};
  static void visit(auto& io, auto& verdict) {
    io.one_of("question", verdict.question, questions);
    io.one_of("answer", verdict.answer, answers);
    io.one_of("basis", verdict.basis, bases);
    io("value", verdict.value);
    io("why", verdict.why);
    io("evidence", verdict.evidence);
    io("at", verdict.at);
  }
};

}  // namespace flyt
