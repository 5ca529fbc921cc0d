#include "drivers/vsphere/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/uri.hpp"
#include "drivers/shared/xml.hpp"
#include "drivers/vsphere/faults.hpp"

namespace flyt::vsphere {
namespace {

// What every server from 6.5 on understands; asked for until the server has said what it speaks.
constexpr std::string_view least_api = "6.5";
constexpr std::chrono::seconds logout_patience{5};
constexpr std::uint64_t largest_answer = std::uint64_t{256} << 20;

std::string status_line(const std::string& url, const HttpResponse& response) {
  return fmt::format("HTTP {} {} from {}/sdk", response.status, response.reason, url);
}

// `seen`: what it said instead of SOAP.
Error not_vsphere(const std::string& url, std::string seen) {
  return {Errc::invalid,
          fmt::format("{} is no vSphere", url),
          std::move(seen),
          {},
          {},
          {"url = \"https://HOST/\" names a vCenter or an ESXi host"}};
}

// The server's trouble, where it did not even answer in SOAP.
Error http_error(const std::string& what, const std::string& url, const HttpResponse& response) {
  Error error{Errc::unavailable, what, status_line(url, response)};
  if (response.status == 401 || response.status == 403) error.code = Errc::denied;
  if (response.status == 503) error.why = "vSphere is starting, or has no sessions left";
  return error;
}

// No vSphere says so in answer to the first question, however ill it is.
bool tells_of_another_server(long status) {
  constexpr std::array passing{401L, 403L, 408L, 429L};
  return status < 500 && std::find(passing.begin(), passing.end(), status) == passing.end();
}

// Faults come as 500, with a SOAP body.
Result<Answer> answer_of(std::string_view method, const std::string& url,
                         const HttpResponse& response) {
  const std::string what = fmt::format("{} at {}", method, url);
  if (response.status != 200 && response.status != 500) return http_error(what, url, response);
  auto answer = parse_answer(method, response.body, what);
  if (!answer && response.status == 500) return http_error(what, url, response);
  return answer;
}

Service service_of(pugi::xml_node content) {
  Service service;
  service.root_folder = ref_child(content, "rootFolder");
  service.property_collector = ref_child(content, "propertyCollector");
  service.view_manager = ref_child(content, "viewManager");
  service.session_manager = ref_child(content, "sessionManager");
  service.custom_fields = ref_child(content, "customFieldsManager");
  service.event_manager = ref_child(content, "eventManager");
  service.authorization = ref_child(content, "authorizationManager");
  service.licences = ref_child(content, "licenseManager");
  const pugi::xml_node about = xml_child(content, "about");
  service.name = xml_child_text(about, "name");
  service.full_name = xml_child_text(about, "fullName");
  service.version = xml_child_text(about, "version");
  service.api_version = xml_child_text(about, "apiVersion");
  service.instance_uuid = xml_child_text(about, "instanceUuid");
  service.vcenter = xml_child_text(about, "apiType") == "VirtualCenter";
  return service;
}

// "vmware_soap_session=...", and what a proxy before the server has added, as a Cookie header.
std::string cookies_of(const HttpResponse& response) {
  std::string all;
  for (const auto& [name, value] : response.headers) {
    if (name != "set-cookie") continue;
    all += (all.empty() ? "" : "; ") + value.substr(0, value.find(';'));
  }
  return all;
}

}  // namespace

Session::Session(ServerConfig config)
    : config_(std::move(config)), http_(config_.trust), api_version_(least_api) {}

Session::~Session() {
  if (cookie_.empty() || !service_) return;
  // What fails here ends by itself when the session has been idle for long enough.
  (void)post("Logout", service_->session_manager, {}, cookie_, Call{}.within(logout_patience));
}

Result<HttpResponse> Session::send(std::string_view method, const Ref& self, const Body& body,
                                   const Secret& cookie, const Call& call) {
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url + "/sdk";
  request.headers = {{"Content-Type", "text/xml; charset=utf-8"},
                     {"SOAPAction", fmt::format("urn:vim25/{}", api_version_)}};
  if (!cookie.empty()) request.secret_headers.emplace_back("Cookie", cookie);
  request.body = envelope(method, self, body);
  request.once = method.ends_with("_Task");
  request.body_limit = largest_answer;
  return http_.request(request, call);
}

Result<Answer> Session::post(std::string_view method, const Ref& self, const Body& body,
                             const Secret& cookie, const Call& call) {
  FLYT_ASSIGN(const HttpResponse response, send(method, self, body, cookie, call));
  return answer_of(method, config_.url, response);
}

Result<Service> Session::service(const Call& call) {
  constexpr std::string_view method = "RetrieveServiceContent";
  const std::lock_guard lock(mutex_);
  if (service_) return *service_;
  FLYT_ASSIGN(const HttpResponse response,
              send(method, {"ServiceInstance", "ServiceInstance"}, {}, {}, call));
  const auto answer = answer_of(method, config_.url, response);
  if (!answer) {
    if (!tells_of_another_server(response.status)) return answer.error();
    return not_vsphere(config_.url, status_line(config_.url, response));
  }
  if (answer->fault) {
    return error_of(*answer->fault, fmt::format("asking {} what it is", config_.url));
  }
  Service service = service_of(answer->reply.value());
  if (service.property_collector.empty() || service.session_manager.empty()) {
    return Error{Errc::unsupported, fmt::format("{} is no vSphere that flyt knows", config_.url),
                 service.full_name};
  }
  if (!service.api_version.empty()) api_version_ = service.api_version;
  service_ = service;
  return service;
}

// REQUIRES: mutex_ held, service_ known.
Result<Secret> Session::log_in(const Call& call) {
  FLYT_ASSIGN(const Secret password, config_.password(call));
  Body body;
  body.text("userName", config_.user).text("password", password.reveal());
  FLYT_ASSIGN(const HttpResponse response,
              send("Login", service_->session_manager, body, {}, call));
  FLYT_ASSIGN(const Answer answer, answer_of("Login", config_.url, response));
  if (answer.fault) {
    return error_of(*answer.fault, fmt::format("{}: {} cannot log in", config_.url, config_.user));
  }
  Secret cookie(cookies_of(response));
  if (cookie.empty()) {
    return Error{Errc::corrupt, fmt::format("{}: the login has no session cookie", config_.url)};
  }
  cookie_ = std::move(cookie);
  return cookie_;
}

Result<Secret> Session::cookie(const Call& call) {
  FLYT_TRY(service(call));
  const std::lock_guard lock(mutex_);
  return cookie_.empty() ? log_in(call) : Result<Secret>(cookie_);
}

Result<Secret> Session::renewed(const Secret& cookie, const Call& call) {
  const std::lock_guard lock(mutex_);
  if (cookie_.reveal() != cookie.reveal()) return cookie_;
  cookie_ = Secret();
  return log_in(call);
}

Result<Reply> Session::call(std::string_view method, const Ref& self, const Body& body,
                            std::string_view what, const Call& call) {
  FLYT_TRY(proceed(call, what));
  FLYT_ASSIGN(Secret valid, within(what, cookie(call)));
  FLYT_ASSIGN(Answer answer, within(what, post(method, self, body, valid, call)));
  if (answer.fault && is_no_session(*answer.fault)) {
    // It was refused before anything was done: to say it again is safe.
    FLYT_ASSIGN(valid, within(what, renewed(valid, call)));
    FLYT_ASSIGN(answer, within(what, post(method, self, body, valid, call)));
  }
  if (answer.fault) return error_of(*answer.fault, what);
  answer.reply.session = std::move(valid);
  return std::move(answer.reply);
}

Result<std::optional<Reply>> Session::call_in(const Secret& cookie, std::string_view method,
                                              const Ref& self, const Body& body,
                                              std::string_view what, const Call& call) {
  FLYT_TRY(proceed(call, what));
  FLYT_ASSIGN(Answer answer, within(what, post(method, self, body, cookie, call)));
  if (answer.fault) {
    if (is_no_session(*answer.fault)) return std::optional<Reply>();
    return error_of(*answer.fault, what);
  }
  answer.reply.session = cookie;
  return std::optional(std::move(answer.reply));
}

}  // namespace flyt::vsphere
