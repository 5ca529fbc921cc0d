#include "base/http_socket.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/http_trust.hpp"
#include "base/poll.hpp"

namespace flyt {
namespace {

constexpr std::chrono::seconds connect_timeout{15};

struct EndHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

}  // namespace

struct HttpSocket::Impl {
  Impl(CURL* curl, std::string name) : title(std::move(name)), trusted(curl, title), handle(curl) {}

  template <typename T>
  void set(CURLoption option, T value) {
    const CURLcode done = curl_easy_setopt(handle.get(), option, value);
    if (done != CURLE_OK && setup == CURLE_OK) setup = done;
  }

  Status connect(const std::string& url, const HttpTrust& trust, const Call& call);
  Status wait(short events, const Call& call) const;
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept;

  std::string title;
  TrustedHandle trusted;  // outlives the handle, which may have words for it to the last
  std::unique_ptr<CURL, EndHandle> handle;
  const Call* connecting = nullptr;
  CURLcode setup = CURLE_OK;
  curl_socket_t socket = CURL_SOCKET_BAD;
};

int HttpSocket::Impl::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t,
                                  curl_off_t) noexcept {
  return proceed(*static_cast<Impl*>(self)->connecting, "") ? 0 : 1;
}

Status HttpSocket::Impl::connect(const std::string& url, const HttpTrust& trust, const Call& call) {
  FLYT_TRY(check_pins(trust));
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // also what TLS agrees on
  set(CURLOPT_CONNECT_ONLY, 1L);
  set(CURLOPT_HTTPPROXYTUNNEL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds(call, connect_timeout));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
  if (const int bad = trusted.trust(trust); bad != CURLE_OK) return trusted.error_of(bad);
  if (setup != CURLE_OK) return trusted.error_of(setup);
  connecting = &call;
  const CURLcode done = curl_easy_perform(handle.get());
  set(CURLOPT_NOPROGRESS, 1L);  // the call ends with this function
  FLYT_TRY(proceed(call, title));
  if (done != CURLE_OK) return trusted.error_of(done);
  (void)curl_easy_getinfo(handle.get(), CURLINFO_ACTIVESOCKET, &socket);
  if (socket != CURL_SOCKET_BAD) return ok();
  return Error{Errc::unavailable, fmt::format("{}: the connection broke", title)};
}

Status HttpSocket::Impl::wait(short events, const Call& call) const {
  std::array<pollfd, 1> watched{{{socket, events, 0}}};
  return poll(watched, call, title);
}

HttpSocket::HttpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpSocket::HttpSocket(HttpSocket&&) noexcept = default;
HttpSocket& HttpSocket::operator=(HttpSocket&&) noexcept = default;
HttpSocket::~HttpSocket() = default;

Result<HttpSocket> HttpSocket::connect(const std::string& url, const HttpTrust& trust,
                                       const std::string& title, const Call& call) {
  FLYT_TRY(proceed(call, title));
  start_libcurl();
  CURL* const handle = curl_easy_init();
  if (handle == nullptr) return Error{Errc::internal, "libcurl cannot be started"};
  auto impl = std::make_unique<Impl>(handle, title);
  FLYT_TRY(impl->connect(url, with_plain_pins(trust), call));
  return HttpSocket(std::move(impl));
}

Result<std::optional<std::size_t>> HttpSocket::read_now(std::span<std::byte> to) {
  std::size_t got = 0;
  const CURLcode done = curl_easy_recv(impl_->handle.get(), to.data(), to.size(), &got);
  if (done == CURLE_AGAIN) return std::optional<std::size_t>();
  if (done != CURLE_OK) return impl_->trusted.error_of(done);
  return std::optional<std::size_t>(got);
}

Result<std::size_t> HttpSocket::read(std::span<std::byte> to, const Call& call) {
  for (;;) {
    FLYT_TRY(proceed(call, impl_->title));
    FLYT_ASSIGN(const auto got, read_now(to));
    if (got) return *got;
    FLYT_TRY(impl_->wait(POLLIN, call));
  }
}

Status HttpSocket::write(std::span<const std::byte> data, const Call& call) {
  while (!data.empty()) {
    FLYT_TRY(proceed(call, impl_->title));
    std::size_t sent = 0;
    const CURLcode done = curl_easy_send(impl_->handle.get(), data.data(), data.size(), &sent);
    if (done != CURLE_OK && done != CURLE_AGAIN) return impl_->trusted.error_of(done);
    data = data.subspan(sent);
    if (done == CURLE_AGAIN) FLYT_TRY(impl_->wait(POLLOUT, call));
  }
  return ok();
}

}  // namespace flyt
