#include "base/http_trust.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/digest.hpp"
#include "base/lower_case.hpp"

namespace flyt {
namespace {

std::string plain_hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    out += lower_case(c);
  }
  return out;
}

std::string fingerprint_of(X509* certificate, bool by_sha1) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  const EVP_MD* const kind = by_sha1 ? EVP_sha1() : EVP_sha256();
  if (certificate == nullptr || X509_digest(certificate, kind, bytes.data(), &length) != 1) {
    return {};
  }
  return to_hex(std::as_bytes(std::span(bytes).first(length)));
}

int handle_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

Errc meaning_of(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_SSL_CACERT_BADFILE:
      return Errc::invalid;
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
      return Errc::denied;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
      return Errc::internal;
    default:
      return Errc::unavailable;
  }
}

}  // namespace

void start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)started;  // a failure shows when the first handle is made
}

HttpTrust with_plain_pins(HttpTrust trust) {
  trust.fingerprint = plain_hex(trust.fingerprint);
  trust.sha1 = plain_hex(trust.sha1);
  return trust;
}

Status check_pins(const HttpTrust& trust) {
  if (!trust.fingerprint.empty() && !digest_from_hex(trust.fingerprint)) {
    return Error{Errc::invalid, "a certificate's fingerprint has 64 hexadecimal digits"};
  }
  constexpr std::size_t sha1_digits = 40;
  if (!trust.sha1.empty() &&
      (trust.sha1.size() != sha1_digits ||
       trust.sha1.find_first_not_of("0123456789abcdef") != std::string::npos)) {
    return Error{Errc::invalid, "a certificate's SHA-1 fingerprint has 40 hexadecimal digits"};
  }
  return ok();
}

long connect_milliseconds(const Call& call, std::chrono::seconds at_most) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(call.within(at_most).left());
  return std::max(1L, static_cast<long>(left.count()));
}

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto start = url.find("//");
  const auto begin = start == std::string_view::npos ? 0 : start + 2;
  const auto authority = url.substr(begin, url.find('/', begin) - begin);
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, begin)) + std::string(url.substr(begin + at + 1));
}

struct TrustedHandle::Impl {
  CURL* handle;
  std::string title;
  CURLcode setup = CURLE_OK;
  std::string wanted;        // fingerprint; empty: chain and name decide
  bool by_sha1 = false;      // `wanted` is
  std::string sha256, sha1;  // of the server's certificate; empty: none was offered
  std::array<char, CURL_ERROR_SIZE> words{};

  const std::string& offered() const { return by_sha1 ? sha1 : sha256; }

  template <typename T>
  void set(CURLoption option, T value) {
    const CURLcode done = curl_easy_setopt(handle, option, value);
    if (done != CURLE_OK && setup == CURLE_OK) setup = done;
  }

  void note_offered(const X509_STORE_CTX* store) {
    X509* const certificate = X509_STORE_CTX_get0_cert(store);
    sha256 = fingerprint_of(certificate, false);
    sha1 = fingerprint_of(certificate, true);
  }

  static CURLcode on_context(CURL*, void* context, void* self) noexcept;
  static int on_certificate(X509_STORE_CTX* store, void* self) noexcept;
  static int on_chain(int good, X509_STORE_CTX* store) noexcept;
};

CURLcode TrustedHandle::Impl::on_context(CURL*, void* context, void* self) noexcept {
  auto* const ssl = static_cast<SSL_CTX*>(context);
  SSL_CTX_set_ex_data(ssl, handle_index(), self);
  // A kept connection must not call back into what is gone.
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  if (static_cast<Impl*>(self)->wanted.empty()) {
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, &on_chain);
  } else {
    SSL_CTX_set_cert_verify_callback(ssl, &on_certificate, self);
  }
  return CURLE_OK;
}

// A pinned certificate: its fingerprint alone decides.
int TrustedHandle::Impl::on_certificate(X509_STORE_CTX* store, void* self) noexcept {
  Impl& me = *static_cast<Impl*>(self);
  me.note_offered(store);
  const bool same = !me.offered().empty() && me.offered() == me.wanted;
  X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return same ? 1 : 0;
}

// Changes no judgement; notes what was offered, for the error.
int TrustedHandle::Impl::on_chain(int good, X509_STORE_CTX* store) noexcept {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (ssl == nullptr) return good;
  void* const self = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), handle_index());
  if (self != nullptr) static_cast<Impl*>(self)->note_offered(store);
  return good;
}

TrustedHandle::TrustedHandle(void* handle, std::string title)
    : impl_(new Impl{.handle = handle, .title = std::move(title)}) {}
TrustedHandle::~TrustedHandle() = default;

const std::string& TrustedHandle::offered_sha1() const { return impl_->sha1; }

int TrustedHandle::trust(const HttpTrust& trust) {
  Impl& me = *impl_;
  me.by_sha1 = trust.fingerprint.empty() && !trust.sha1.empty();
  me.wanted = me.by_sha1 ? trust.sha1 : trust.fingerprint;
  if (!me.wanted.empty()) {
    // No chain is looked at: the system's authorities, which libcurl reads anew for each handle,
    // would cost more than the rest of the handshake.
    me.set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    me.set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  } else if (!trust.ca.empty()) {
    me.set(CURLOPT_CAINFO, trust.ca.c_str());
  }
  me.set(CURLOPT_NOSIGNAL, 1L);
  me.set(CURLOPT_ERRORBUFFER, me.words.data());
  me.set(CURLOPT_SSL_VERIFYPEER, 1L);
  me.set(CURLOPT_SSL_VERIFYHOST, me.wanted.empty() ? 2L : 0L);
  me.set(CURLOPT_SSL_CTX_FUNCTION, &Impl::on_context);
  me.set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(impl_.get()));
  return me.setup;
}

Error TrustedHandle::error_of(int code) const {
  const Impl& me = *impl_;
  const auto of = static_cast<CURLcode>(code);
  Error error{meaning_of(of),
              fmt::format("{}: {}", me.title,
                          me.words[0] != '\0' ? me.words.data() : curl_easy_strerror(of))};
  if (error.code != Errc::denied || me.offered().empty()) return error;
  if (me.by_sha1) {
    error.seen = fmt::format("the certificate offered has the SHA-1 fingerprint {}, not {}",
                             me.offered(), me.wanted);
    return error;
  }
  error.seen = fmt::format("the certificate offered has the SHA-256 fingerprint {}", me.offered());
  error.remedy = {
      "compare the fingerprint with the one that the server itself shows; if they are the same:",
      fmt::format("fingerprint = \"{}\"", me.offered())};
  return error;
}

}  // namespace flyt
