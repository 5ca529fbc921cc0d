// SHA-256, CRC-32C, base32, base64 and hexadecimal. The only owner of OpenSSL's digests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt {

using Digest = std::array<std::byte, 32>;

// SHA-256 (FIPS 180-4) of one buffer.
Digest sha256(std::span<const std::byte> data);
Digest sha256(std::string_view text);

// SHA-256 of several independent buffers at once: on a CPU with SHA-NI up to four are hashed
// interleaved on this core, which is about 1.9 times as fast as one after the other; elsewhere
// OpenSSL's EVP. REQUIRES: out.size() == buffers.size(). Thread-safe.
void sha256_each(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out);
// "sha-ni, 4 lanes" or "openssl": what sha256_each uses here.
std::string_view sha256_engine();

// SHA-256 or SHA-1 of a sequence. SHA-1 only to check manifests that others have made.
enum class HashKind : std::uint8_t { sha1, sha256 };
class Hasher {
 public:
  explicit Hasher(HashKind kind = HashKind::sha256);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void add(std::span<const std::byte> data);
  void add(std::string_view text);
  std::string finish_hex();  // lower case; the hasher is used up
  Digest finish();           // REQUIRES: HashKind::sha256

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Castagnoli polynomial, as in RFC 3720 appendix B.4.
std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t seed = 0);

std::string to_hex(std::span<const std::byte> data);
std::optional<Digest> digest_from_hex(std::string_view hex);
// RFC 4648 section 6, lower case, without padding.
std::string to_base32(std::span<const std::byte> data);
// RFC 4648 section 4, with padding.
std::string to_base64(std::span<const std::byte> data);

}  // namespace flyt
