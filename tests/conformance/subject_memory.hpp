#pragma once

#include <functional>
#include <memory>
#include <string>

#include "drivers/memory/memory.hpp"
#include "tests/conformance/suite.hpp"

namespace flyt::tests {

// A decorator, or nothing.
using Wrap = std::function<std::unique_ptr<Driver>(std::unique_ptr<Driver>)>;

Subject memory_subject(std::string name = "memory", const Wrap& wrap = {},
                       const memory::Habits& habits = {});

}  // namespace flyt::tests
