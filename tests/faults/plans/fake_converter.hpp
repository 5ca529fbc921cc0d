// A converter without an appliance: a true overlay, in which qemu-io writes a little.
#pragma once

#include <memory>

#include "movers/converter.hpp"

namespace flyt::tests {

// Fills the first `fake_change` bytes of every disk with fake_byte.
constexpr std::size_t fake_change = 65536;
constexpr char fake_byte = 0x5a;

std::unique_ptr<Converter> make_fake_converter();

}  // namespace flyt::tests
