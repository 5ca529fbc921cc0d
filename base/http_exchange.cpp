#include "base/http_exchange.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "base/http_trust.hpp"
#include "base/lower_case.hpp"

namespace flyt {

std::string title_of(const HttpRequest& request) {
  if (!request.title.empty()) return request.title;
  return fmt::format("{} {}", request.method, shown_url(request.url));
}

struct HttpExchange::Impl {
  Impl(CURL* curl, const HttpRequest& what, const Call& with)
      : handle(curl), request(what), call(with), title(title_of(what)), trusted(curl, title) {}
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
  void set_times(const HttpTimes& times);

  std::size_t take(std::span<const std::byte> data);
  Status header_line(std::string_view line);
  Status check_redirect(std::string_view location);

  static std::size_t on_data(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_upload(char* to, std::size_t unit, std::size_t count, void* self) noexcept;
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept;

  CURL* handle;
  const HttpRequest& request;
  const Call& call;
  std::string title;
  TrustedHandle trusted;
  curl_slist* headers = nullptr;
  CURLcode setup = CURLE_OK;
  HttpResponse response;
  bool redirected = false;  // the answer that is being read sends us elsewhere
  Status own = ok();        // what went wrong on our side of a callback
};

namespace {

constexpr long upload_buffer = 512L << 10;

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

}  // namespace

Status HttpExchange::Impl::set_request() {
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  const bool secure = scheme_and_host(request.url).starts_with("https:");
  set(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_FRESH_CONNECT, request.once ? 1L : 0L);
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

void HttpExchange::Impl::set_times(const HttpTimes& times) {
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds(call, times.connect));
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

HttpExchange::HttpExchange(void* handle, const HttpRequest& request, const Call& call)
    : impl_(new Impl(handle, request, call)) {}
HttpExchange::~HttpExchange() = default;

Result<HttpResponse> HttpExchange::perform(const HttpTrust& trust, const HttpTimes& times) {
  FLYT_TRY(impl_->set_request());
  impl_->set_answer();
  if (const int bad = impl_->trusted.trust(trust); bad != CURLE_OK) {
    return impl_->trusted.error_of(bad);
  }
  impl_->set_times(times);
  if (impl_->setup != CURLE_OK) return impl_->trusted.error_of(impl_->setup);
  const CURLcode done = curl_easy_perform(impl_->handle);
  if (!impl_->own) return std::move(impl_->own.error());
  if (done != CURLE_OK) return impl_->trusted.error_of(done);
  (void)curl_easy_getinfo(impl_->handle, CURLINFO_RESPONSE_CODE, &impl_->response.status);
  impl_->response.certificate_sha1 = impl_->trusted.offered_sha1();
  return std::move(impl_->response);
}

}  // namespace flyt
