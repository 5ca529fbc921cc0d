// The kinds of network cards that targets know.
#pragma once

#include <string>
#include <string_view>

namespace flyt {

// The platform's word for a kind of card as NicSpec::model has it; empty: it is none of those.
std::string neutral_nic_model(std::string_view word);

}  // namespace flyt
