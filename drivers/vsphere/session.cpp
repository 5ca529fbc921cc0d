#include "drivers/vsphere/session.hpp"

#include <fmt/format.h>

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

Error not_vsphere(const std::string& url, const HttpResponse& response) {
  return {Errc::invalid,
          fmt::format("{} is no vSphere", url),
          fmt::format("HTTP {} {} from {}/sdk", response.status, response.reason, url),
          {},
          {},
          {"url = \"https://HOST/\" names a vCenter or an ESXi host"}};
}

// The server's trouble, where it did not even answer in SOAP.
Error http_error(const std::string& what, const std::string& url, const HttpResponse& response) {
  Error error{Errc::unavailable, what,
              fmt::format("HTTP {} {} from {}/sdk", response.status, response.reason, url)};
  if (response.status == 401 || response.status == 403) error.code = Errc::denied;
  if (response.status == 503) error.why = "vSphere is starting, or has no sessions left";
  return error;
}

Service service_of(pugi::xml_node content) {
  Service service;
  service.root_folder = ref_child(content, "rootFolder");
  service.property_collector = ref_child(content, "propertyCollector");
  service.view_manager = ref_child(content, "viewManager");
  service.session_manager = ref_child(content, "sessionManager");
  service.custom_fields = ref_child(content, "customFieldsManager");
  service.authorization = ref_child(content, "authorizationManager");
  service.license = ref_child(content, "licenseManager");
  service.option_manager = ref_child(content, "setting");
  const pugi::xml_node about = xml_child(content, "about");
  service.name = xml_child_text(about, "name");
  service.full_name = xml_child_text(about, "fullName");
  service.version = xml_child_text(about, "version");
  service.api_version = xml_child_text(about, "apiVersion");
  service.instance_uuid = xml_child_text(about, "instanceUuid");
  service.vcenter = xml_child_text(about, "apiType") == "VirtualCenter";
  return service;
}

// "vmware_soap_session=..." out of a Set-Cookie header.
std::string cookie_of(const std::string& header) { return header.substr(0, header.find(';')); }

}  // namespace

Session::Session(ServerConfig config)
    : config_(std::move(config)), http_(config_.trust), api_version_(least_api) {}

Session::~Session() {
  if (cookie_.empty() || !service_) return;
  // What fails here ends by itself when the session has been idle for long enough.
  (void)post("Logout", service_->session_manager, {}, cookie_, Call{}.within(logout_patience));
}

Result<Session::Posted> Session::post(std::string_view method, const Ref& self, const Body& body,
                                      const Secret& cookie, const Call& call) {
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url + "/sdk";
  request.headers = {{"Content-Type", "text/xml; charset=utf-8"},
                     {"SOAPAction", fmt::format("urn:vim25/{}", api_version_)}};
  if (!cookie.empty()) request.secret_headers.emplace_back("Cookie", cookie);
  request.body = envelope(method, self, body);
  request.body_limit = largest_answer;
  FLYT_ASSIGN(HttpResponse response, http_.request(request, call));
  const std::string what = fmt::format("{} at {}", method, config_.url);
  // Faults come as 500, with a SOAP body.
  if (response.status != 200 && response.status != 500) {
    if (response.status == 404) return not_vsphere(config_.url, response);
    return http_error(what, config_.url, response);
  }
  auto answer = parse_answer(method, response.body, what);
  if (!answer) {
    if (response.status == 500) return http_error(what, config_.url, response);
    return answer.error();
  }
  Posted posted{*std::move(answer), {}};
  if (const std::string* set = response.header("set-cookie")) posted.cookie = cookie_of(*set);
  return posted;
}

Result<Service> Session::service(const Call& call) {
  const std::lock_guard lock(mutex_);
  if (service_) return *service_;
  FLYT_ASSIGN(Posted posted,
              post("RetrieveServiceContent", {"ServiceInstance", "ServiceInstance"}, {}, {}, call));
  const std::string what = fmt::format("asking {} what it is", config_.url);
  if (posted.answer.fault) return error_of(*posted.answer.fault, what);
  Service service = service_of(posted.answer.reply.value());
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
  FLYT_ASSIGN(const Posted posted, post("Login", service_->session_manager, body, {}, call));
  if (posted.answer.fault) {
    return error_of(*posted.answer.fault,
                    fmt::format("{}: {} cannot log in", config_.url, config_.user));
  }
  if (posted.cookie.empty()) {
    return Error{Errc::corrupt, fmt::format("{}: the login has no session cookie", config_.url)};
  }
  cookie_ = Secret(posted.cookie);
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
  FLYT_ASSIGN(Posted posted, within(what, post(method, self, body, valid, call)));
  if (posted.answer.fault && is_no_session(*posted.answer.fault)) {
    // It was refused before anything was done: to say it again is safe.
    FLYT_ASSIGN(valid, within(what, renewed(valid, call)));
    FLYT_ASSIGN(posted, within(what, post(method, self, body, valid, call)));
  }
  if (posted.answer.fault) return error_of(*posted.answer.fault, what);
  return std::move(posted.answer.reply);
}

}  // namespace flyt::vsphere
