#include "base/sha256_ni.hpp"

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define FLYT_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define FLYT_SHA_INLINE __attribute__((target("sha,sse4.1,ssse3"), always_inline)) inline

namespace flyt {
namespace {

constexpr std::size_t block = 64;

alignas(16) constexpr std::array<std::uint32_t, 64> constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the instructions want it: a, b, e, f and c, d, g, h, highest word first.
struct Lane {
  __m128i abef, cdgh;
};

FLYT_SHA_INLINE Lane first_state() {
  return {_mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f,
                        static_cast<int>(0x9b05688c)),
          _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
}

FLYT_SHA_INLINE __m128i load(const std::byte* at) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), swap);
}

// Words t to t+3 of the schedule, from the sixteen before them (m[0] the oldest four).
FLYT_SHA_INLINE __m128i next_words(__m128i m0, __m128i m1, __m128i m2, __m128i m3) {
  const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4));
  return _mm_sha256msg2_epu32(sum, m3);
}

FLYT_SHA_INLINE void four_rounds(Lane& lane, __m128i words_and_constants) {
  lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, words_and_constants);
  lane.abef =
      _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, _mm_shuffle_epi32(words_and_constants, 0x0e));
}

// One block of each lane. A round waits for the round before it; the other lanes fill that time.
template <std::size_t N>
FLYT_SHA void compress(std::array<Lane, N>& lanes, const std::array<const std::byte*, N>& data,
                       std::size_t blocks) {
  for (std::size_t done = 0; done < blocks; ++done) {
    const std::array<Lane, N> before = lanes;
    __m128i words[N][4];
#pragma GCC unroll 16
    for (std::size_t step = 0; step < 16; ++step) {
      const __m128i k =
          _mm_load_si128(reinterpret_cast<const __m128i*>(constants.data() + 4 * step));
#pragma GCC unroll 4
      for (std::size_t n = 0; n < N; ++n) {
        __m128i& now = words[n][step % 4];
        now = step < 4 ? load(data[n] + block * done + 16 * step)
                       : next_words(now, words[n][(step + 1) % 4], words[n][(step + 2) % 4],
                                    words[n][(step + 3) % 4]);
        four_rounds(lanes[n], _mm_add_epi32(now, k));
      }
    }
#pragma GCC unroll 4
    for (std::size_t n = 0; n < N; ++n) {
      lanes[n].abef = _mm_add_epi32(lanes[n].abef, before[n].abef);
      lanes[n].cdgh = _mm_add_epi32(lanes[n].cdgh, before[n].cdgh);
    }
  }
}

FLYT_SHA void store(const Lane& lane, Digest& out) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
  const __m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0);
  const __m128i hgfe = _mm_alignr_epi8(dchg, feba, 8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data()), _mm_shuffle_epi8(dcba, swap));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data() + 16), _mm_shuffle_epi8(hgfe, swap));
}

// What stands behind the last whole block: the rest, 0x80, zeroes and the length in bits.
std::size_t pad(std::span<const std::byte> data, std::array<std::byte, 2 * block>& tail) {
  const std::size_t rest = data.size() % block;
  tail.fill(std::byte{0});
  if (rest != 0) std::memcpy(tail.data(), data.data() + (data.size() - rest), rest);
  tail[rest] = std::byte{0x80};
  const std::size_t blocks = rest < block - 8 ? 1 : 2;
  const std::uint64_t bits = std::uint64_t{data.size()} * 8;
  for (std::size_t at = 0; at < 8; ++at) {
    tail[blocks * block - 1 - at] = static_cast<std::byte>(bits >> (8 * at));
  }
  return blocks;
}

template <std::size_t N>
FLYT_SHA void hash(std::span<const std::span<const std::byte>> buffers, std::span<Digest> out) {
  std::array<Lane, N> lanes;
  std::array<const std::byte*, N> data{};
  std::array<std::array<std::byte, 2 * block>, N> tails;
  std::array<const std::byte*, N> tail_data{};
  std::size_t tail_blocks = 0;
  for (std::size_t n = 0; n < N; ++n) {
    lanes[n] = first_state();
    data[n] = buffers[n].data();
    tail_blocks = pad(buffers[n], tails[n]);
    tail_data[n] = tails[n].data();
  }
  compress<N>(lanes, data, buffers[0].size() / block);
  compress<N>(lanes, tail_data, tail_blocks);
  for (std::size_t n = 0; n < N; ++n) store(lanes[n], out[n]);
}

}  // namespace

bool has_sha_ni() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & (1U << 29)) == 0) return false;
  return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

void sha256_interleaved(std::span<const std::span<const std::byte>> buffers,
                        std::span<Digest> out) {
  switch (buffers.size()) {
    case 1:
      return hash<1>(buffers, out);
    case 2:
      return hash<2>(buffers, out);
    case 3:
      return hash<3>(buffers, out);
    default:
      return hash<4>(buffers, out);
  }
}

}  // namespace flyt

#else

namespace flyt {

bool has_sha_ni() noexcept { return false; }
void sha256_interleaved(std::span<const std::span<const std::byte>> buffers,
                        std::span<Digest> out) {
  for (std::size_t at = 0; at < buffers.size(); ++at) out[at] = sha256(buffers[at]);
}

}  // namespace flyt

#endif
