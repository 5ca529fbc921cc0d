// How text is coloured, and how commands to copy are spelled.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace flyt::cli {

// shell_word(), to be shown: control characters and what is not UTF-8 become $'\033', which bash
// and POSIX 2024 know.
std::string shown_word(std::string_view word);

// What is coloured becomes one printable line.
struct Style {
  bool colour = false;
  std::string site = {};  // what --site said, so that commands to copy say it too

  std::string bold(std::string_view text) const { return in("1", text); }
  std::string dim(std::string_view text) const { return in("2", text); }
  std::string red(std::string_view text) const { return in("31", text); }
  std::string green(std::string_view text) const { return in("32", text); }
  std::string yellow(std::string_view text) const { return in("33", text); }
  std::string cyan(std::string_view text) const { return in("36", text); }

  // "flyt apply 'my plan.json' --site prod.toml", to be copied; never wrapped or shortened.
  std::string command(std::initializer_list<std::string_view> words) const;
  // A line of a remedy. One that is a command of ours gets --site.
  std::string remedy(std::string_view line) const;

 private:
  std::string in(std::string_view code, std::string_view text) const;
  std::string with_site(std::string_view command) const;
};

}  // namespace flyt::cli
