#include "drivers/saved/saved.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string>
#include <utility>

#include "base/inventory_file.hpp"
#include "base/version.hpp"
#include "drivers/shared/scope.hpp"

namespace flyt::saved {
namespace {

class SavedDriver final : public Driver {
 public:
  SavedDriver(std::string endpoint, std::filesystem::path file)
      : endpoint_(std::move(endpoint)), file_(std::move(file)) {}

  DriverInfo info() const override {
    DriverInfo info{"saved", std::string(version()), {}, 8};
    info.record = true;
    return info;
  }

  // Platform and machines are told as whoever saved them was told.
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    FLYT_TRY(proceed(call, endpoint_));
    FLYT_ASSIGN(Inventory found, read_inventory_file(file_));
    FLYT_TRY(proceed(call, endpoint_));
    found.endpoint = endpoint_;
    found.driver = "saved";
    return narrowed(std::move(found), scope);
  }

 private:
  std::string endpoint_;
  std::filesystem::path file_;
};

}  // namespace

std::span<const KeyInfo> keys() {
  static constexpr std::array all{
      KeyInfo{"path", "a file that flyt inventory ENDPOINT -o FILE has written", true},
  };
  return all;
}

Result<std::unique_ptr<Driver>> open(const EndpointConfig& config, const Call&) {
  const auto path = config.values.find("path");
  if (path == config.values.end() || path->second.empty()) {
    return Error{Errc::invalid, "path: it must name a file"};
  }
  return std::unique_ptr<Driver>(
      std::make_unique<SavedDriver>(config.name, config.folder / path->second));
}

}  // namespace flyt::saved
