#include "base/http_exchange.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "base/digest.hpp"
#include "base/lower_case.hpp"

namespace flyt {

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto start = url.find("//");
  const auto begin = start == std::string_view::npos ? 0 : start + 2;
  const auto authority = url.substr(begin, url.find('/', begin) - begin);
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, begin)) + std::string(url.substr(begin + at + 1));
}

std::string title_of(const HttpRequest& request) {
  if (!request.title.empty()) return request.title;
  return fmt::format("{} {}", request.method, shown_url(request.url));
}

struct HttpExchange::Impl {
  Impl(CURL* curl, const HttpRequest& what, const Call& with)
      : handle(curl), request(what), call(with), title(title_of(what)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { curl_slist_free_all(headers); }

  template <typename T>
  void set(CURLoption option, T value) {
    const CURLcode done = curl_easy_setopt(handle, option, value);
    if (done != CURLE_OK && setup == CURLE_OK) setup = done;
  }

  Status add_header(const std::string& name, const std::string& value) {
    if ((name + value).find_first_of("\r\n") != std::string::npos) {
      return Error{Errc::invalid, fmt::format("{}: header {} holds a line break", title, name)};
    }
    std::string line = value.empty() ? name + ";" : name + ": " + value;
    curl_slist* longer = curl_slist_append(headers, line.c_str());
    std::fill(line.begin(), line.end(), '\0');
    if (longer == nullptr) return Error{Errc::internal, title + ": out of memory"};
    headers = longer;
    return ok();
  }

  Status set_request();
  void set_body();
  void set_answer();
  void set_trust(const HttpTrust& trust);
  void set_times(const HttpTimes& times);
  Error error_of(CURLcode code) const;

  std::size_t take(std::span<const std::byte> data);
  Status header_line(std::string_view line);
  Status check_redirect(std::string_view location);

  static std::size_t on_data(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_upload(char* to, std::size_t unit, std::size_t count, void* self) noexcept;
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept;
  static CURLcode on_context(CURL*, void* context, void* self) noexcept;
  static int on_certificate(X509_STORE_CTX* store, void* self) noexcept;
  static int on_chain(int good, X509_STORE_CTX* store) noexcept;

  CURL* handle;
  const HttpRequest& request;
  const Call& call;
  std::string title;
  curl_slist* headers = nullptr;
  CURLcode setup = CURLE_OK;
  HttpResponse response;
  bool redirected = false;   // the answer that is being read sends us elsewhere
  Status own = ok();         // what went wrong on our side of a callback
  std::string wanted;        // fingerprint; empty: chain and name decide
  bool by_sha1 = false;      // `wanted` is
  std::string sha256, sha1;  // of the server's certificate; empty: none was offered
  const std::string& offered() const { return by_sha1 ? sha1 : sha256; }
  void note_offered(const X509_STORE_CTX* store);
  std::array<char, CURL_ERROR_SIZE> words{};
};

namespace {

constexpr long upload_buffer = 512L << 10;

std::string fingerprint_of(X509* certificate, bool by_sha1) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  const EVP_MD* const kind = by_sha1 ? EVP_sha1() : EVP_sha256();
  if (certificate == nullptr || X509_digest(certificate, kind, bytes.data(), &length) != 1) {
    return {};
  }
  return to_hex(std::as_bytes(std::span(bytes).first(length)));
}

// "https://host:443" of `url`, or of `base` where `url` is relative; empty: it is no URL.
std::string scheme_and_host(const std::string& url, const std::string& base = {}) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), &curl_url_cleanup);
  if (!base.empty()) (void)curl_url_set(parts.get(), CURLUPART_URL, base.c_str(), 0);
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&parts](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parts.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
      return std::string();
    std::string copy = lower_case(text);
    curl_free(text);
    return copy;
  };
  return fmt::format("{}://{}:{}", part(CURLUPART_SCHEME), part(CURLUPART_HOST),
                     part(CURLUPART_PORT));
}

int exchange_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

Status HttpExchange::Impl::set_request() {
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  const bool secure = scheme_and_host(request.url).starts_with("https:");
  set(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_FRESH_CONNECT, request.once ? 1L : 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, words.data());
  for (const auto& [name, value] : request.headers) FLYT_TRY(add_header(name, value));
  for (const auto& [name, value] : request.secret_headers) {
    FLYT_TRY(add_header(name, value.reveal()));
  }
  FLYT_TRY(add_header("Expect", ""));
  set_body();
  set(CURLOPT_HTTPHEADER, headers);
  return ok();
}

void HttpExchange::Impl::set_body() {
  if (request.upload) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &on_upload);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    set(CURLOPT_UPLOAD_BUFFERSIZE, upload_buffer);
    if (request.upload_size) {
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*request.upload_size));
    }
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  } else if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  }
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void HttpExchange::Impl::set_answer() {
  set(CURLOPT_WRITEFUNCTION, &on_data);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
}

void HttpExchange::Impl::set_trust(const HttpTrust& trust) {
  by_sha1 = trust.fingerprint.empty() && !trust.sha1.empty();
  wanted = by_sha1 ? trust.sha1 : trust.fingerprint;
  if (!wanted.empty()) {
    // No chain is looked at: the system's authorities, which libcurl reads anew for each handle,
    // would cost more than the rest of the handshake.
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  } else if (!trust.ca.empty()) {
    set(CURLOPT_CAINFO, trust.ca.c_str());
  }
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, wanted.empty() ? 2L : 0L);
  set(CURLOPT_SSL_CTX_FUNCTION, &on_context);
  set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
}

void HttpExchange::Impl::set_times(const HttpTimes& times) {
  using std::chrono::milliseconds;
  constexpr milliseconds most{std::chrono::hours(24)};
  const auto left =
      std::chrono::ceil<milliseconds>(std::min(call.left(), std::chrono::nanoseconds(most)));
  const auto connect = std::max(milliseconds(1), std::min<milliseconds>(left, times.connect));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(times.stall.count()));
}

std::size_t HttpExchange::Impl::take(std::span<const std::byte> data) {
  long status = 0;
  (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (request.download && status >= 200 && status < 300) {
    if (std::exchange(response.status, status) == 0 && request.before_download) {
      own = request.before_download(response);
    }
    if (own) own = request.download(data);
    return own ? data.size() : 0;
  }
  if (data.size() > request.body_limit - response.body.size()) {
    own = Error{Errc::invalid,
                fmt::format("{}: the answer is larger than {} bytes", title, request.body_limit)};
    return 0;
  }
  response.body.append(reinterpret_cast<const char*>(data.data()), data.size());
  return data.size();
}

// Nothing may be thrown through libcurl.
std::size_t HttpExchange::Impl::on_data(char* data, std::size_t, std::size_t size,
                                        void* self) noexcept {
  return static_cast<Impl*>(self)->take(std::as_bytes(std::span(data, size)));
}

// libcurl leaves out only Authorization and Cookie, and only when they stand for themselves.
Status HttpExchange::Impl::check_redirect(std::string_view location) {
  if (!request.follow_redirects || request.secret_headers.empty()) return ok();
  const std::string from = scheme_and_host(request.url);
  const std::string to = scheme_and_host(std::string(location), request.url);
  if (from == to) return ok();
  return Error{Errc::denied, fmt::format("{}: the server sends us to another host", title),
               fmt::format("from {} to {}", from, to.empty() ? "what is no URL" : to),
               "what proves who we are is for the first host only"};
}

Status HttpExchange::Impl::header_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // of a redirect, or the last
    response.headers.clear();
    const auto code = line.find(' ');
    const auto text = code == std::string_view::npos ? code : line.find(' ', code + 1);
    response.reason = text == std::string_view::npos ? "" : std::string(line.substr(text + 1));
    redirected = code != std::string_view::npos && line.substr(code + 1).starts_with("3");
    return ok();
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return ok();
  std::string name = lower_case(line.substr(0, colon));
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t", colon + 1)));
  response.headers.emplace_back(std::move(name), std::string(line));
  return redirected && response.headers.back().first == "location" ? check_redirect(line) : ok();
}

std::size_t HttpExchange::Impl::on_header(char* data, std::size_t, std::size_t size,
                                          void* self) noexcept {
  Impl& me = *static_cast<Impl*>(self);
  if (me.own) me.own = me.header_line({data, size});
  return me.own ? size : 0;
}

std::size_t HttpExchange::Impl::on_upload(char* to, std::size_t unit, std::size_t count,
                                          void* self) noexcept {
  Impl& me = *static_cast<Impl*>(self);
  auto got = me.request.upload(std::as_writable_bytes(std::span(to, unit * count)));
  if (got) return *got;
  me.own = std::move(got.error());
  return CURL_READFUNC_ABORT;
}

int HttpExchange::Impl::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t,
                                    curl_off_t) noexcept {
  Impl& me = *static_cast<Impl*>(self);
  if (me.own) me.own = proceed(me.call, me.title);
  return me.own ? 0 : 1;
}

CURLcode HttpExchange::Impl::on_context(CURL*, void* context, void* self) noexcept {
  auto* const ssl = static_cast<SSL_CTX*>(context);
  Impl& me = *static_cast<Impl*>(self);
  SSL_CTX_set_ex_data(ssl, exchange_index(), self);
  // A kept connection must not call back into an exchange that is over.
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  if (me.wanted.empty()) {
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, &on_chain);
  } else {
    SSL_CTX_set_cert_verify_callback(ssl, &on_certificate, self);
  }
  return CURLE_OK;
}

void HttpExchange::Impl::note_offered(const X509_STORE_CTX* store) {
  X509* const certificate = X509_STORE_CTX_get0_cert(store);
  sha256 = fingerprint_of(certificate, false);
  sha1 = fingerprint_of(certificate, true);
}

// A pinned certificate: its fingerprint alone decides.
int HttpExchange::Impl::on_certificate(X509_STORE_CTX* store, void* self) noexcept {
  Impl& me = *static_cast<Impl*>(self);
  me.note_offered(store);
  const bool same = !me.offered().empty() && me.offered() == me.wanted;
  X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return same ? 1 : 0;
}

// Changes no judgement; notes what was offered, for the error.
int HttpExchange::Impl::on_chain(int good, X509_STORE_CTX* store) noexcept {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (ssl == nullptr) return good;
  void* const self = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), exchange_index());
  if (self != nullptr) static_cast<Impl*>(self)->note_offered(store);
  return good;
}

Error HttpExchange::Impl::error_of(CURLcode code) const {
  const std::string text = words[0] != '\0' ? words.data() : curl_easy_strerror(code);
  const auto make = [&](Errc errc) { return Error{errc, fmt::format("{}: {}", title, text)}; };
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
      return make(Errc::invalid);
    case CURLE_OPERATION_TIMEDOUT:
      return make(Errc::timed_out);
    case CURLE_SSL_CACERT_BADFILE:
      return make(Errc::invalid);
    case CURLE_PEER_FAILED_VERIFICATION:
      break;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
      return make(Errc::internal);
    default:
      return make(Errc::unavailable);
  }
  Error error = make(Errc::denied);
  if (offered().empty()) return error;
  if (by_sha1) {
    error.seen = fmt::format("the certificate offered has the SHA-1 fingerprint {}, not {}",
                             offered(), wanted);
    return error;
  }
  error.seen = fmt::format("the certificate offered has the SHA-256 fingerprint {}", offered());
  error.remedy = {
      "compare the fingerprint with the one that the server itself shows; if they are the same:",
      fmt::format("fingerprint = \"{}\"", offered())};
  return error;
}

HttpExchange::HttpExchange(void* handle, const HttpRequest& request, const Call& call)
    : impl_(new Impl(handle, request, call)) {}
HttpExchange::~HttpExchange() = default;

Result<HttpResponse> HttpExchange::perform(const HttpTrust& trust, const HttpTimes& times) {
  FLYT_TRY(impl_->set_request());
  impl_->set_answer();
  impl_->set_trust(trust);
  impl_->set_times(times);
  if (impl_->setup != CURLE_OK) return impl_->error_of(impl_->setup);
  const CURLcode done = curl_easy_perform(impl_->handle);
  if (!impl_->own) return std::move(impl_->own.error());
  if (done != CURLE_OK) return impl_->error_of(done);
  (void)curl_easy_getinfo(impl_->handle, CURLINFO_RESPONSE_CODE, &impl_->response.status);
  impl_->response.certificate_sha1 = std::move(impl_->sha1);
  return std::move(impl_->response);
}

}  // namespace flyt
