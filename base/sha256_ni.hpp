// SHA-256 by the SHA extensions of x86, several independent messages interleaved on one core.
#pragma once

#include <cstddef>
#include <span>

#include "base/digest.hpp"

namespace flyt {

inline constexpr std::size_t sha256_lanes = 4;

// Whether this CPU has what sha256_interleaved() needs.
bool has_sha_ni() noexcept;

// REQUIRES: has_sha_ni(); 1 to sha256_lanes buffers, all of one size; out.size() == buffers.size().
void sha256_interleaved(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out);

// As sha256_each(), with the lanes or without. REQUIRES: has_sha_ni() for `lanes`.
void sha256_each(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out,
                 bool lanes);

}  // namespace flyt
