// Which machines of an inventory are meant.
#pragma once

#include <string_view>
#include <vector>

#include "planners/planner.hpp"

namespace flyt {

// '*' any text, '?' one character; the rest is itself.
bool matches(std::string_view pattern, std::string_view text);

// What a user wrote: words separated by commas. Errc::invalid when there is an empty one, or none.
Status check_words(std::string_view text);
// The words of it. Where words joined by their commas are a machine's name and not all of them are
// names themselves, they are one. REQUIRES: check_words().
Selection split_words(const Inventory& inventory, std::string_view text);

// By name, then id. Patterns and tags leave templates and what flyt made aside; a name does not.
// Words for volumes are passed over. Errc::invalid when a word matches nothing. The machines live
// as long as `inventory`.
Result<std::vector<const Machine*>> select(const Inventory& inventory, const Selection& words);

// Before a pattern for the names of volumes without a machine: "volume=*.iso".
inline constexpr std::string_view volume_word = "volume=";
// What such words mean, by name, then id. Patterns leave what flyt made aside; a name does not.
// Errc::invalid and lifetime as above.
Result<std::vector<const Volume*>> select_volumes(const Inventory& inventory,
                                                  const Selection& words);

}  // namespace flyt
