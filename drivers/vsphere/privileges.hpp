// The privileges of the role that flyt asks for: docs/drivers/vsphere.md has the same list.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace flyt::vsphere {

// What a privilege is for, so that a user may grant less.
enum class Purpose : std::uint8_t { look, ranges, lease, views, tracking, cutover };
// Where vSphere asks for it.
enum class On : std::uint8_t { root, machine, datastore };

struct Privilege {
  std::string_view id;
  Purpose purpose = Purpose::look;
  On on = On::root;
};

// By purpose.
std::span<const Privilege> privileges();

struct PurposeInfo {
  Purpose purpose = Purpose::look;
  std::string_view word;     // in the table of the docs
  std::string_view does;     // "may not ..."
  std::string_view without;  // what follows where it is missing
  bool must = false;         // nothing can be moved without
};
std::span<const PurposeInfo> purposes();

}  // namespace flyt::vsphere
