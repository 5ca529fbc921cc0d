#include "cli/exit_status.hpp"

#include <fstream>
#include <sstream>

#include "tests/catch.hpp"

using flyt::Errc;
using flyt::ExitStatus;
using flyt::Origin;
using flyt::status_of;
using flyt::worse;

TEST_CASE("of several exit statuses the first in the documented order applies", "[cli]") {
  const auto all = flyt::exit_meanings();
  std::vector<int> order;
  for (const auto& one : all) order.push_back(static_cast<int>(one.status));
  CHECK(order == std::vector<int>{130, 2, 6, 3, 4, 1, 5, 7, 0});
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = 0; b < all.size(); ++b) {
      CHECK(worse(all[a].status, all[b].status) == all[std::min(a, b)].status);
    }
  }
}

TEST_CASE("an error's exit status depends on what was going on", "[cli]") {
  struct Row {
    Errc code;
    ExitStatus setup, endpoint, work;
  };
  using enum ExitStatus;
  const std::vector<Row> rows = {
      {Errc::invalid, usage, usage, usage},       {Errc::not_found, usage, endpoint, failed},
      {Errc::exists, usage, failed, failed},      {Errc::unsupported, usage, failed, failed},
      {Errc::denied, usage, endpoint, endpoint},  {Errc::unavailable, usage, endpoint, failed},
      {Errc::timed_out, usage, endpoint, failed}, {Errc::cancelled, stopped, stopped, stopped},
      {Errc::corrupt, usage, failed, failed},     {Errc::internal, usage, failed, failed},
  };
  for (const auto& row : rows) {
    CHECK(status_of(row.code, Origin::setup) == row.setup);
    CHECK(status_of(row.code, Origin::endpoint) == row.endpoint);
    CHECK(status_of(row.code, Origin::work) == row.work);
  }
}
