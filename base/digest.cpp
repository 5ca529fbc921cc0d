#include "base/digest.hpp"

#include <openssl/evp.h>

#include <cassert>
#include <new>

namespace flyt {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// OpenSSL's digests fail only for want of memory, or where a policy of the system forbids them;
// there is no digest to go on with then.
void must(int result) {
  if (result != 1) throw std::bad_alloc();
}

const EVP_MD* algorithm(HashKind kind) {
  return kind == HashKind::sha1 ? EVP_sha1() : EVP_sha256();
}

void begin(EVP_MD_CTX* context, HashKind kind) {
  must(EVP_DigestInit_ex(context, algorithm(kind), nullptr));
}

Digest finish_sha256(EVP_MD_CTX* context) {
  Digest digest;
  unsigned length = 0;
  must(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), &length));
  return digest;
}

// `bits` of the data for each of 2^bits digits; what is missing of the last one is zero.
std::string in_digits(std::span<const std::byte> data, std::string_view digits, unsigned bits) {
  const std::uint32_t mask = (1U << bits) - 1;
  std::string text;
  std::uint32_t pending = 0;
  unsigned held = 0;
  for (const std::byte byte : data) {
    pending = (pending << 8) | std::to_integer<std::uint32_t>(byte);
    for (held += 8; held >= bits; held -= bits) text += digits[(pending >> (held - bits)) & mask];
    pending &= (1U << held) - 1;
  }
  if (held > 0) text += digits[(pending << (bits - held)) & mask];
  return text;
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Digest sha256(std::span<const std::byte> data) {
  // Making a context costs more than hashing a short text.
  thread_local const Context context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  begin(context.get(), HashKind::sha256);
  must(EVP_DigestUpdate(context.get(), data.data(), data.size()));
  return finish_sha256(context.get());
}

Digest sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text.data(), text.size())));
}

struct Hasher::Impl {
  HashKind kind;
  Context context;
};

Hasher::Hasher(HashKind kind) : impl_(new Impl{kind, Context(EVP_MD_CTX_new())}) {
  if (!impl_->context) throw std::bad_alloc();
  begin(impl_->context.get(), kind);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(std::span<const std::byte> data) {
  must(EVP_DigestUpdate(impl_->context.get(), data.data(), data.size()));
}

void Hasher::add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }

std::string Hasher::finish_hex() {
  std::array<std::byte, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  must(EVP_DigestFinal_ex(impl_->context.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                          &length));
  return to_hex(std::span(bytes).first(length));
}

Digest Hasher::finish() {
  assert(impl_->kind == HashKind::sha256);
  return finish_sha256(impl_->context.get());
}

std::string to_hex(std::span<const std::byte> data) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * data.size());
  for (const std::byte byte : data) {
    text += digits[std::to_integer<unsigned>(byte >> 4)];
    text += digits[std::to_integer<unsigned>(byte & std::byte{0x0f})];
  }
  return text;
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t at = 0; at < digest.size(); ++at) {
    const int high = nibble(hex[2 * at]), low = nibble(hex[2 * at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[at] = static_cast<std::byte>(high * 16 + low);
  }
  return digest;
}

std::string to_base32(std::span<const std::byte> data) {
  return in_digits(data, "abcdefghijklmnopqrstuvwxyz234567", 5);
}

std::string to_base64(std::span<const std::byte> data) {
  std::string text =
      in_digits(data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6);
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

}  // namespace flyt
