#include "base/digest.hpp"

#include <random>
#include <vector>

#include "base/sha256_ni.hpp"
#include "tests/catch.hpp"

namespace flyt {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::vector<std::byte> noise(std::size_t length, std::mt19937_64& random) {
  std::vector<std::byte> data(length);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random());
  return data;
}

TEST_CASE("SHA-256 of the examples of FIPS 180-4", "[digest]") {
  CHECK(to_hex(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a hasher takes a sequence in pieces", "[digest]") {
  Hasher sha256_hasher;
  sha256_hasher.add("a");
  sha256_hasher.add("bc");
  CHECK(sha256_hasher.finish() == sha256("abc"));
  Hasher sha1_hasher(HashKind::sha1);
  sha1_hasher.add("abc");
  CHECK(sha1_hasher.finish_hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_CASE("many buffers at once have the digests they have alone", "[digest]") {
  std::mt19937_64 random(20261124);  // NOLINT(cert-msc51-cpp): the same each time
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = random() % 11, same = random() % 5000;
    std::vector<std::vector<std::byte>> data;
    for (std::size_t at = 0; at < count; ++at) {
      data.push_back(noise(round % 2 == 0 ? same : random() % 700, random));
    }
    std::vector<std::span<const std::byte>> buffers(data.begin(), data.end());
    std::vector<Digest> digests(count);
    sha256_each(buffers, digests);
    for (std::size_t at = 0; at < count; ++at) {
      INFO("round " << round << ", buffer " << at << " of " << buffers[at].size() << " bytes");
      CHECK(digests[at] == sha256(buffers[at]));
    }
    std::vector<Digest> without(count);  // as on a CPU that has no SHA extensions
    sha256_each(buffers, without, false);
    CHECK(without == digests);
  }
}

TEST_CASE("many buffers at once, at every length around the ends of blocks", "[digest]") {
  std::mt19937_64 random(7);  // NOLINT(cert-msc51-cpp): the same each time
  for (std::size_t length = 0; length <= 200; ++length) {
    const auto a = noise(length, random), b = noise(length, random), c = noise(length, random),
               d = noise(length, random);
    const std::array<std::span<const std::byte>, 4> buffers = {a, b, c, d};
    std::array<Digest, 4> digests{};
    sha256_each(buffers, digests);
    for (std::size_t at = 0; at < buffers.size(); ++at) CHECK(digests[at] == sha256(buffers[at]));
  }
}

TEST_CASE("CRC-32C is Castagnoli's and can be continued", "[digest]") {
  CHECK(crc32c(bytes_of("123456789")) == 0xE3069283U);
  CHECK(crc32c({}) == 0);
  const std::vector<std::byte> zeroes(32), ones(32, std::byte{0xff});  // RFC 3720 B.4
  CHECK(crc32c(zeroes) == 0x8A9136AAU);
  CHECK(crc32c(ones) == 0x62A8AB43U);
  CHECK(crc32c(bytes_of("56789"), crc32c(bytes_of("1234"))) == 0xE3069283U);
}

TEST_CASE("hexadecimal goes both ways and refuses rubbish", "[digest]") {
  const Digest digest = sha256("abc");
  CHECK(digest_from_hex(to_hex(digest)) == digest);
  CHECK(digest_from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD") ==
        digest);
  CHECK_FALSE(digest_from_hex(""));
  CHECK_FALSE(digest_from_hex(to_hex(digest).substr(1)));
  CHECK_FALSE(digest_from_hex(std::string(63, '0') + "g"));
}

TEST_CASE("base64 is that of RFC 4648, padded", "[digest]") {
  CHECK(to_base64(bytes_of("")).empty());
  CHECK(to_base64(bytes_of("f")) == "Zg==");
  CHECK(to_base64(bytes_of("fo")) == "Zm8=");
  CHECK(to_base64(bytes_of("foo")) == "Zm9v");
  CHECK(to_base64(bytes_of("foob")) == "Zm9vYg==");
  CHECK(to_base64(bytes_of("fooba")) == "Zm9vYmE=");
  CHECK(to_base64(bytes_of("foobar")) == "Zm9vYmFy");
  CHECK(to_base64(bytes_of("\xfb\xff\xbf")) == "+/+/");
}

TEST_CASE("base32 is that of RFC 4648, lower case and unpadded", "[digest]") {
  CHECK(to_base32(bytes_of("")).empty());
  CHECK(to_base32(bytes_of("f")) == "my");
  CHECK(to_base32(bytes_of("fo")) == "mzxq");
  CHECK(to_base32(bytes_of("foo")) == "mzxw6");
  CHECK(to_base32(bytes_of("foob")) == "mzxw6yq");
  CHECK(to_base32(bytes_of("fooba")) == "mzxw6ytb");
  CHECK(to_base32(bytes_of("foobar")) == "mzxw6ytboi");
}

}  // namespace
}  // namespace flyt
