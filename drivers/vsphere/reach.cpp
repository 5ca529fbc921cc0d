#include "drivers/vsphere/reach.hpp"

#include <ctime>
#include <utility>

#include "base/http.hpp"
#include "base/tcp_connect.hpp"

namespace flyt::vsphere {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds connect_patience{5}, stall_patience{10};

Result<HttpResponse> first_page(const std::string& url, HttpTrust trust, const Call& call) {
  Http http(std::move(trust), connect_patience, stall_patience);
  HttpRequest request;
  request.url = url;
  return http.request(request, call);
}

// Of an error about a certificate, which names it at its end (base/http.hpp).
std::string offered_in(const Error& error) {
  if (error.code != Errc::denied || error.seen.empty()) return {};
  return error.seen.substr(error.seen.rfind(' ') + 1);
}

std::optional<system_clock::time_point> moment(const std::tm& parts) {
  std::tm copy = parts;
  const std::time_t time = timegm(&copy);
  if (time == -1) return {};
  return system_clock::from_time_t(time);
}

}  // namespace

Reach look_at_server(const std::string& url, const std::filesystem::path& ca, const Call& call) {
  Reach seen;
  auto page = first_page(url, {ca, {}}, call);
  if (!page) {
    seen.untrusted = offered_in(page.error());
    if (!seen.untrusted.empty()) page = first_page(url, {{}, seen.untrusted}, call);
  }
  if (!page) {
    seen.error = page.error();
    return seen;
  }
  const std::string* date = page->header("date");
  const auto told = date == nullptr ? std::nullopt : http_time(*date);
  if (told) seen.ahead = std::chrono::round<seconds>(*told - system_clock::now());
  return seen;
}

Status try_vddk_port(const std::string& host, const Call& call) {
  FLYT_TRY(tcp_connect(host, "902", call.within(connect_patience)));
  return ok();
}

std::optional<system_clock::time_point> soap_time(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return {};
  if (*rest == '.') {
    do ++rest;
    while (*rest >= '0' && *rest <= '9');
  }
  const auto local = moment(parts);
  std::tm zone{};
  rest = strptime(rest, "%z", &zone);
  if (!local || rest == nullptr || *rest != '\0') return {};
  return *local - seconds(zone.tm_gmtoff);
}

std::optional<system_clock::time_point> http_time(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (rest == nullptr || *rest != '\0') return {};
  return moment(parts);
}

}  // namespace flyt::vsphere
