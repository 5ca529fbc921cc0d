#include "base/http.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/digest.hpp"
#include "base/http_exchange.hpp"
#include "base/lower_case.hpp"

namespace flyt {
namespace {

std::string lower_hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    out += lower_case(c);
  }
  return out;
}

// A pin that cannot match must not look like a server that has changed.
Status check(const HttpTrust& trust) {
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

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)started;  // a failure shows when the first handle is made
}

struct EndHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, EndHandle>;

}  // namespace

const std::string* HttpResponse::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [name](const auto& one) { return one.first == name; });
  return found == headers.end() ? nullptr : &found->second;
}

struct Http::Impl {
  HttpTrust trust;
  std::chrono::seconds connect_timeout, stall_timeout;
  std::mutex mutex;
  std::vector<Handle> idle;

  // A handle keeps its connections; with a pool, a later call finds them again.
  Handle take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return Handle(curl_easy_init());
    Handle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }

  void give_back(Handle handle) {
    constexpr std::size_t most = 16;
    curl_easy_reset(handle.get());
    const std::lock_guard lock(mutex);
    if (idle.size() < most) idle.push_back(std::move(handle));
  }
};

Http::Http(HttpTrust trust, std::chrono::seconds connect_timeout,
           std::chrono::seconds stall_timeout)
    : impl_(new Impl{std::move(trust), connect_timeout, stall_timeout, {}, {}}) {
  start_curl();
  impl_->trust.fingerprint = lower_hex(impl_->trust.fingerprint);
  impl_->trust.sha1 = lower_hex(impl_->trust.sha1);
}
Http::~Http() = default;

Result<HttpResponse> Http::request(const HttpRequest& request, const Call& call) {
  FLYT_TRY(proceed(call, title_of(request)));
  FLYT_TRY(check(impl_->trust));
  Handle handle = impl_->take();
  if (!handle) return Error{Errc::internal, "libcurl cannot be started"};
  const HttpTimes times{impl_->connect_timeout, impl_->stall_timeout};
  Result<HttpResponse> response = [&] {
    HttpExchange exchange(handle.get(), request, call);
    return exchange.perform(impl_->trust, times);
  }();  // before the handle is given back
  impl_->give_back(std::move(handle));
  return response;
}

}  // namespace flyt
