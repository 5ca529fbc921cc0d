// A target where a machine reads only what was landed.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "drivers/driver.hpp"
#include "tests/faults/plans/scene.hpp"

namespace flyt::tests {

// Where a landed disk lies; nothing: it was not landed.
std::filesystem::path landed_file(const Scene& scene, const std::string& machine,
                                  const std::string& disk);

// The scene's target; its land() copies each disk there.
std::unique_ptr<Driver> landing_target(const Scene& scene);

}  // namespace flyt::tests
