// The site file: flyt.toml, read into a Site.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "base/site.hpp"
#include "drivers/driver.hpp"

namespace flyt::cli {

// What the text says, checked: types, words, country codes, and each endpoint's keys against its
// driver. Errc::invalid names file, line and key. `file` is absolute; relative paths start at its
// folder. Never throws. Resolves no secret and opens nothing.
Result<Site> parse_site(std::string_view text, const std::filesystem::path& file,
                        std::span<const DriverEntry> drivers);

// The same from a file. Errc::not_found says how to get one.
Result<Site> read_site(const std::filesystem::path& file, std::span<const DriverEntry> drivers);

// SHA-256, hexadecimal, of the canonical JSON of `site`: without secrets, paths and the digest.
std::string site_digest(const Site& site);

}  // namespace flyt::cli
