#include "drivers/rvtools/rvtools.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string>
#include <utility>

#include "base/version.hpp"
#include "drivers/rvtools/ground.hpp"
#include "drivers/rvtools/machines.hpp"
#include "drivers/rvtools/records.hpp"
#include "drivers/shared/scope.hpp"

namespace flyt::rvtools {
namespace {

namespace fs = std::filesystem;

// When and by what it was made, where it says so.
Status add_origin(const Export& from, Inventory& found, const Call& call) {
  if (!from.has("vMetaData")) return ok();
  return each_record(
      from, "vMetaData", "",
      [&](const Row& row) -> Status {
        const std::string version = row.text("rvtoolsversion");
        const std::string at = row.text("xlsxcreationdatetime");
        if (!version.empty()) {
          found.notes.push_back(
              fmt::format("made by RVTools {}{}{}", version, at.empty() ? "" : " at ", at));
        }
        return ok();
      },
      call);
}

// Sizes are rounded in an export, and older ones do not identify disks: a plan from it is not one
// that vCenter's own inventory would give, and is never applied as if it were.
std::string platform_id(const VCenter& vcenter) {
  if (!vcenter.uuid.empty()) return "rvtools:" + vcenter.uuid;
  return "rvtools:" + (vcenter.server.empty() ? "unknown" : vcenter.server);
}

Result<Inventory> read_all(const fs::path& place, const std::string& server, const Call& call) {
  FLYT_ASSIGN(const auto from, open_export(place, call));
  FLYT_ASSIGN(Sources sources, Sources::read(*from, server, call));
  FLYT_ASSIGN(Ground ground, Ground::read(*from, sources.vcenter().uuid, call));
  FLYT_TRY(sources.add_tabs(*from, call));
  const VCenter vcenter = sources.vcenter();
  Inventory found;
  found.driver = "rvtools";
  found.platform =
      fmt::format("RVTools export of {}", vcenter.server.empty() ? "a vCenter" : vcenter.server);
  if (!vcenter.type.empty()) found.platform += fmt::format(" ({})", vcenter.type);
  found.platform_id = platform_id(vcenter);
  found.can_cut_over = true;  // as the driver vsphere can
  found.can_track = true;     // the same
  FLYT_TRY(add_origin(*from, found, call));
  found.notes.emplace_back(
      "an export does not tell of virtual TPMs, encryption, the boot order and passed-through PCI "
      "devices; sizes are whole MiB, and what is allocated of several thin disks is not known");
  found.notes.insert(found.notes.end(), sources.notes().begin(), sources.notes().end());
  found.machines = std::move(sources).complete(ground);
  std::move(ground).move_into(found);
  return found;
}

class RvtoolsDriver final : public Driver {
 public:
  RvtoolsDriver(std::string endpoint, fs::path place, std::string server)
      : endpoint_(std::move(endpoint)), place_(std::move(place)), server_(std::move(server)) {}

  DriverInfo info() const override {
    DriverInfo info{"rvtools", std::string(version()), {}, 8};
    info.record = true;
    return info;
  }

  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    FLYT_TRY(proceed(call, endpoint_));
    FLYT_ASSIGN(Inventory found, within(place_.native(), read_all(place_, server_, call)));
    found.endpoint = endpoint_;
    return narrowed(std::move(found), scope);
  }

 private:
  std::string endpoint_;
  fs::path place_;
  std::string server_;
};

std::string value_of(const EndpointConfig& config, const std::string& key) {
  const auto found = config.values.find(key);
  return found == config.values.end() ? std::string() : found->second;
}

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array all{
      KeyInfo{"path", "an .xlsx that RVTools has exported, or a folder of its .csv files", true},
      KeyInfo{"server", "which vCenter is meant, where the export is of several"},
  };
  return all;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  const std::string path = value_of(config, "path");
  if (path.empty()) return Error{Errc::invalid, "path: it must name a file or a folder"};
  return std::unique_ptr<Driver>(std::make_unique<RvtoolsDriver>(config.name, config.folder / path,
                                                                 value_of(config, "server")));
}

}  // namespace flyt::rvtools
