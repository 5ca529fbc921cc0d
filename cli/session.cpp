#include "cli/session.hpp"

#include <fmt/chrono.h>

#include "cli/site_toml.hpp"
#include "drivers/all.hpp"

namespace flyt::cli {

Attempt<Site> Session::site() const {
  return during(Origin::setup, read_site(site_file_, all_drivers()));
}

std::string utc_now() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

std::string utc_today() { return utc_now().substr(0, 10); }

}  // namespace flyt::cli
