// The site file's reader never throws, and what it accepts has a digest that stays the same.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/site_toml.hpp"

namespace {

constexpr std::array keys{flyt::KeyInfo{"url", "where it is", true, false},
                          flyt::KeyInfo{"password", "of the user", false, true}};
const std::array drivers{flyt::DriverEntry{"libvirt", "a host", keys, nullptr},
                         flyt::DriverEntry{"ova", "a file", {}, nullptr}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto site = flyt::cli::parse_site(text, "/etc/site/flyt.toml", drivers);
  if (!site && site.error().code != flyt::Errc::invalid) std::abort();
  if (site && flyt::cli::site_digest(*site) != site->digest) std::abort();
  return 0;
}
