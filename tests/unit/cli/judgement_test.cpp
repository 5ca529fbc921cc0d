#include "cli/judgement.hpp"

#include "tests/catch.hpp"

using namespace flyt;
using flyt::cli::Asked;
using flyt::cli::failure_of;
using flyt::cli::judge;

namespace {

MachineOutcome outcome(MachineState state,
                       const std::vector<std::pair<Question, Answer>>& answers = {}) {
  MachineOutcome out;
  out.state = state;
  for (const auto& [question, answer] : answers) {
    out.verdicts.push_back({.question = question, .answer = answer});
  }
  return out;
}

std::vector<std::pair<Question, Answer>> all_pass_but(Question one, Answer answer) {
  std::vector<std::pair<Question, Answer>> all;
  for (const auto question : Asked{}.questions) {
    all.emplace_back(question, question == one ? answer : Answer::pass);
  }
  return all;
}

}  // namespace

TEST_CASE("what became of a machine decides the exit status", "[cli]") {
  using enum MachineState;
  CHECK(judge(outcome(landed, all_pass_but(Question::boot, Answer::pass)), {}) == ExitStatus::done);
  for (const auto question : {Question::bytes, Question::boot}) {
    CHECK(judge(outcome(landed, all_pass_but(question, Answer::fail)), {}) == ExitStatus::failed);
  }
  for (const auto question : {Question::place, Question::operator_, Question::owner}) {
    CHECK(judge(outcome(landed, all_pass_but(question, Answer::fail)), {}) == ExitStatus::policy);
    CHECK(judge(outcome(landed, all_pass_but(question, Answer::unverified)), {}) ==
          ExitStatus::unverified);
  }
  CHECK(judge(outcome(landed), {}) == ExitStatus::unverified);
  CHECK(judge(outcome(copied), {}) == ExitStatus::stopped);
  CHECK(judge(outcome(copied), {.landed = false}) == ExitStatus::done);
  CHECK(judge(outcome(stopped), {}) == ExitStatus::stopped);
  CHECK(judge(outcome(drifted), {}) == ExitStatus::drift);
  CHECK(judge(outcome(failed), {}) == ExitStatus::failed);
}

TEST_CASE("a machine that failed since an endpoint did tells so", "[cli]") {
  struct Row {
    Errc code;
    std::string what, seen;
    ExitStatus status;
  };
  using enum ExitStatus;
  const std::vector<Row> rows = {
      {Errc::unavailable, "endpoint kvm: cannot connect", "Connection refused", endpoint},
      {Errc::unavailable, "web01: disk 0: endpoint kvm: cannot connect", "", endpoint},
      {Errc::timed_out, "endpoint kvm: inventory: not done in the time given", "", endpoint},
      {Errc::denied, "endpoint kvm: open", "permission denied", endpoint},
      {Errc::denied, "endpoint kvm: web01 is not off", "", failed},
      {Errc::denied, "journal.db cannot be written", "Permission denied", failed},
      {Errc::unavailable, "virt-v2v-in-place could not convert the guest", "no root", failed},
      {Errc::exists, "endpoint kvm: the name web01 is taken", "", failed},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto machine = outcome(MachineState::failed);
    machine.error = Error{.code = row.code, .what = row.what, .seen = row.seen};
    CHECK(judge(machine, {}) == row.status);
  }
}

TEST_CASE("a command that fails blames an endpoint only where the error names one", "[cli]") {
  const auto status = [](Errc code, const char* what) {
    return failure_of(Error{.code = code, .what = what}).status;
  };
  CHECK(status(Errc::unavailable, "the journal cannot be used") == ExitStatus::failed);
  CHECK(status(Errc::unavailable, "endpoint kvm: cannot connect") == ExitStatus::endpoint);
  CHECK(status(Errc::not_found, "web01: endpoint kvm: no machine web01") == ExitStatus::endpoint);
  CHECK(status(Errc::invalid, "the plan is of another site") == ExitStatus::usage);
  CHECK(status(Errc::cancelled, "stopped") == ExitStatus::stopped);
}

TEST_CASE("only verdicts that were asked for count", "[cli]") {
  const auto machine =
      outcome(MachineState::landed, all_pass_but(Question::operator_, Answer::unverified));
  CHECK(judge(machine, {}) == ExitStatus::unverified);
  CHECK(judge(machine, {.questions = {Question::boot, Question::bytes}}) == ExitStatus::done);
}

TEST_CASE("of several machines the weightiest status applies", "[cli]") {
  const auto drifted = outcome(MachineState::drifted);
  const auto failed = outcome(MachineState::failed);
  const auto stopped = outcome(MachineState::stopped);
  CHECK(judge({failed, drifted, stopped}, {}) == ExitStatus::drift);
  CHECK(judge({stopped, failed}, {}) == ExitStatus::failed);
  CHECK(judge(std::vector<MachineOutcome>{}, {}) == ExitStatus::done);
}
