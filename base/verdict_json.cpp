#include <array>
#include <nlohmann/json.hpp>

#include "base/inventory_json.hpp"
#include "base/members_json.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

constexpr std::array questions = {Question::bytes, Question::boot, Question::place,
                                  Question::operator_, Question::owner};
constexpr std::array answers = {Answer::pass, Answer::fail, Answer::unverified};
constexpr std::array bases = {Basis::none, Basis::stated, Basis::registry, Basis::platform,
                              Basis::measured};
constexpr std::array codes = {Errc::invalid, Errc::not_found,   Errc::exists,    Errc::unsupported,
                              Errc::denied,  Errc::unavailable, Errc::timed_out, Errc::cancelled,
                              Errc::corrupt, Errc::internal};

template <typename T, std::size_t N>
auto among(const std::array<T, N>& all) {
  return [&all](const std::string& word) -> std::optional<T> {
    for (const T value : all) {
      if (to_string(value) == word) return value;
    }
    return std::nullopt;
  };
}

}  // namespace

Json to_json(const Verdict& verdict) {
  return {{"question", to_string(verdict.question)},
          {"answer", to_string(verdict.answer)},
          {"basis", to_string(verdict.basis)},
          {"value", verdict.value},
          {"why", verdict.why},
          {"evidence", verdict.evidence},
          {"at", verdict.at}};
}

Json to_json(const Error& error) {
  return {{"code", to_string(error.code)},
          {"what", error.what},
          {"seen", error.seen},
          {"why", error.why},
          {"state", error.state},
          {"remedy", error.remedy}};
}

Result<Verdict> verdict_from(const Json& json) {
  JsonMembers in(json, "");
  Verdict verdict;
  in.read_word("question", verdict.question, among(questions));
  in.read_word("answer", verdict.answer, among(answers));
  in.read_word("basis", verdict.basis, among(bases));
  in.read("value", verdict.value);
  in.read("why", verdict.why);
  in.read("evidence", verdict.evidence);
  in.read("at", verdict.at);
  return std::move(in).give(std::move(verdict));
}

Status error_from(const Json& json, Error& to) {
  JsonMembers in(json, "");
  Error error;
  in.read_word("code", error.code, among(codes));
  in.read("what", error.what);
  in.read("seen", error.seen);
  in.read("why", error.why);
  in.read("state", error.state);
  in.read("remedy", error.remedy);
  FLYT_TRY(std::move(in).status());
  to = std::move(error);
  return ok();
}

}  // namespace flyt
