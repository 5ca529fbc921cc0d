// What every command works with: the site file's name, the view, the stop token, the clock.
#pragma once

#include <filesystem>
#include <string>

#include "base/call.hpp"
#include "base/site.hpp"
#include "cli/attempt.hpp"
#include "cli/views/view.hpp"

namespace flyt::cli {

class Session {
 public:
  Session(std::filesystem::path site_file, View& view, Call call)
      : site_file_(std::move(site_file)), view_(view), call_(std::move(call)) {}

  View& view() const { return view_; }
  const Call& call() const { return call_; }
  const std::filesystem::path& site_file() const { return site_file_; }
  Attempt<Site> site() const;  // read anew

 private:
  std::filesystem::path site_file_;  // absolute
  View& view_;
  Call call_;
};

std::string utc_now();    // RFC 3339: "2026-11-24T20:15:03Z"
std::string utc_today();  // "2026-11-24"

}  // namespace flyt::cli
