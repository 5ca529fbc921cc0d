#include "cli/today.hpp"

#include <fmt/format.h>

#include <chrono>

#include "cli/session.hpp"

namespace flyt::cli {
namespace {

bool is_day(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  std::string digits = text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2);
  if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
  const std::chrono::year_month_day day{
      std::chrono::year(std::stoi(digits.substr(0, 4))),
      std::chrono::month(static_cast<unsigned>(std::stoi(digits.substr(4, 2)))),
      std::chrono::day(static_cast<unsigned>(std::stoi(digits.substr(6, 2))))};
  return day.ok();
}

}  // namespace

Result<std::string> today_of(const Arguments& arguments) {
  auto today = arguments.text("today");
  if (!today) return utc_today();
  if (is_day(*today)) return *std::move(today);
  return Error{.code = Errc::invalid,
               .what = fmt::format("--today: {:?} is no date", *today),
               .state = "nothing was done",
               .remedy = {"write it as 2026-11-24"}};
}

}  // namespace flyt::cli
