#include "base/inventory_file.hpp"

#include <fmt/format.h>

#include <set>

#include "base/durable_file.hpp"
#include "base/inventory_json.hpp"

namespace flyt {
namespace {

constexpr std::uint64_t largest_inventory = std::uint64_t{256} << 20;

template <typename Thing>
std::string wrong_ids(const std::vector<Thing>& all, std::string_view what) {
  std::set<std::string_view> known;
  for (const Thing& one : all) {
    if (one.id.empty()) return fmt::format("the member id of a {} is missing", what);
    if (!known.insert(one.id).second) {
      return fmt::format("there are two with the id {:?} of a {}", one.id, what);
    }
  }
  return {};
}

// An object of another kind reads as an inventory of nothing, from no platform.
std::string what_is_wrong(const Inventory& saved) {
  if (saved.platform_id.empty()) return "the member platform_id is missing";
  if (auto wrong = wrong_ids(saved.machines, "machine"); !wrong.empty()) return wrong;
  for (const Machine& machine : saved.machines) {
    if (auto wrong = wrong_ids(machine.disks, "disk"); !wrong.empty()) {
      return fmt::format("{}: {}", machine.id, wrong);
    }
  }
  return {};
}

Result<Inventory> parse(const std::filesystem::path& file) {
  FLYT_ASSIGN(const auto text, read_file(file, largest_inventory));
  FLYT_ASSIGN(auto inventory, within(file.native(), parse_inventory(text)));
  if (const auto wrong = what_is_wrong(inventory); !wrong.empty()) {
    return Error{.code = Errc::invalid,
                 .what = fmt::format("{}: this is no inventory", file.native()),
                 .seen = wrong};
  }
  return inventory;
}

}  // namespace

Result<Inventory> read_inventory_file(const std::filesystem::path& file) {
  auto inventory = parse(file);
  if (!inventory) inventory.error().remedy = {"flyt inventory ENDPOINT -o FILE"};
  return inventory;
}

}  // namespace flyt
