#include "base/http.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <mutex>

#include "base/http_exchange.hpp"
#include "base/http_trust.hpp"

namespace flyt {
namespace {

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
    : impl_(new Impl{with_plain_pins(std::move(trust)), connect_timeout, stall_timeout, {}, {}}) {
  start_libcurl();
}
Http::~Http() = default;

Result<HttpResponse> Http::request(const HttpRequest& request, const Call& call) {
  FLYT_TRY(proceed(call, title_of(request)));
  FLYT_TRY(check_pins(impl_->trust));
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
