// Names that stay the same: migration ids and UUIDs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace flyt {

// "flyt-" and the first 20 characters of lower-case base32 of
// SHA-256(site ‖ 00 ‖ platform ‖ 00 ‖ machine): docs/design.md, "migration id".
// `platform` is what the driver knows as stable, never an endpoint's name in the site.
std::string migration_id(std::string_view site, std::string_view platform,
                         std::string_view machine);

// By the kernel's generator.
void fill_random(std::span<std::byte> bytes);
std::string random_uuid();            // RFC 4122 version 4, lower case
bool is_uuid(std::string_view text);  // 8-4-4-4-12 hexadecimal digits

}  // namespace flyt
