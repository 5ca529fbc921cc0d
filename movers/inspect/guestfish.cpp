#include "movers/inspect/guestfish.hpp"

#include <fmt/format.h>

#include <random>
#include <sstream>
#include <utility>

namespace flyt::inspection {
namespace {

constexpr std::size_t longest_answer = std::size_t{1} << 20, longest_word = 200;

std::string unguessable() {
  std::random_device random;
  return fmt::format("flyt-{:08x}{:08x}{:08x}", random(), random(), random());
}

// In guestfish's double quotes nothing is special but these two.
std::string quoted(const std::string& word) {
  std::string text = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

bool is_plain(const std::string& word) {
  for (const char c : word) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return !word.starts_with('~');
}

Error died(const Process& process) {
  return {.code = Errc::unavailable,
          .what = "libguestfs does not look into the disks",
          .seen = process.errors(),
          .why = "its appliance did not start, or has ended",
          .state = "nothing was changed",
          .remedy = {"libguestfs-test-tool"}};
}

}  // namespace

Guestfish::Guestfish(Process process) : process_(std::move(process)), mark_(unguessable()) {}

Result<Guestfish> Guestfish::start(const std::vector<std::string>& sockets, bool kvm,
                                   const Call& call) {
  if (!find_program("guestfish")) return check({{"guestfish", "--version"}}, call).error();
  // Line by line, also into a pipe.
  Command command{{"stdbuf", "-oL", "guestfish"}};
  command.environment = {{"LIBGUESTFS_BACKEND", "direct"}, {"LC_ALL", "C.UTF-8"}};
  if (!kvm) command.environment.emplace_back("LIBGUESTFS_BACKEND_SETTINGS", "force_tcg");
  FLYT_ASSIGN(Process process, Process::start(command));
  Guestfish fish(std::move(process));
  for (const std::string& socket : sockets) {
    FLYT_TRY(fish.ask(
        {"add-drive", "", "format:raw", "readonly:true", "protocol:nbd", "server:unix:" + socket},
        call));
  }
  FLYT_TRY(fish.ask({"run"}, call));
  FLYT_ASSIGN(const auto devices, fish.lines({"list-devices"}, call));
  if (devices.size() != sockets.size()) return died(fish.process_);
  return fish;
}

Result<std::string> Guestfish::ask(const std::vector<std::string>& words, const Call& call) {
  std::string line = "-" + words.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!is_plain(words[i])) return std::string();
    line += " " + quoted(words[i]);
  }
  FLYT_TRY(process_.write(fmt::format("{}\necho {}\n", line, mark_)));
  std::string answer;
  for (;;) {
    FLYT_ASSIGN(auto next, process_.read_line(call));
    if (!next) return died(process_);
    // A file need not end with a line's end.
    const bool last = next->ends_with(mark_);
    if (last) next->resize(next->size() - mark_.size());
    if (answer.size() + next->size() < longest_answer) answer += *next + (last ? "" : "\n");
    if (last) return answer;
  }
}

Result<std::vector<std::string>> Guestfish::lines(const std::vector<std::string>& words,
                                                  const Call& call) {
  FLYT_ASSIGN(const std::string answer, ask(words, call));
  std::vector<std::string> all;
  std::istringstream in(answer);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) all.push_back(line);
  }
  return all;
}

Result<std::string> Guestfish::word(const std::vector<std::string>& words, const Call& call) {
  FLYT_ASSIGN(auto all, lines(words, call));
  if (all.empty()) return std::string();
  return all.front().substr(0, longest_word);
}

Result<bool> Guestfish::is(const std::vector<std::string>& words, const Call& call) {
  FLYT_ASSIGN(const auto all, lines(words, call));
  return !all.empty() && all.front() == "true";
}

}  // namespace flyt::inspection
