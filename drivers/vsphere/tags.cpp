#include "drivers/vsphere/tags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include "base/digest.hpp"
#include "base/uri.hpp"
#include "drivers/vsphere/tags_json.hpp"

namespace flyt::vsphere {
namespace {

constexpr std::size_t machines_at_once = 500;
constexpr std::chrono::seconds logout_patience{5};
constexpr std::string_view what = "reading tags";

// Where the two interfaces differ.
struct Dialect {
  std::string_view session, tagging;
  std::string_view id;      // before the id in a path
  std::string_view action;  // before the action in a query
};
constexpr std::array dialects{
    Dialect{"/api/session", "/api/cis/tagging", "", "action"},
    Dialect{"/rest/com/vmware/cis/session", "/rest/com/vmware/cis/tagging", "id:", "~action"}};

Error error_of(const HttpRequest& request, const HttpResponse& response) {
  const std::string message = rest_message(response.body);
  Error error{Errc::unavailable, std::string(what),
              fmt::format("HTTP {} {} from {} {}{}{}", response.status, response.reason,
                          request.method, request.url, message.empty() ? "" : ": ", message)};
  if (response.status == 401 || response.status == 403) error.code = Errc::denied;
  if (response.status == 404) error.code = Errc::not_found;
  return error;
}

// No such page, or one that is for something else: 6.5 has another interface at /api.
bool speaks_otherwise(long status) {
  constexpr std::array statuses{400L, 404L, 405L, 501L};
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

class Rest {
 public:
  Rest(Session& session, const Call& call) : session_(session), call_(call) {}
  Rest(const Rest&) = delete;
  Rest& operator=(const Rest&) = delete;
  ~Rest() {
    if (token_.empty()) return;
    // What fails here ends by itself when the session has been idle for long enough.
    (void)session_.http().request(request("DELETE", dialect_->session),
                                  Call{}.within(logout_patience));
  }

  Status log_in() {
    FLYT_ASSIGN(const Secret password, session_.config().password(call_));
    const Secret pair(session_.config().user + ":" + password.reveal());
    const Secret basic("Basic " + to_base64(std::as_bytes(std::span(pair.reveal()))));
    for (const Dialect& one : dialects) {
      dialect_ = &one;
      HttpRequest login = request("POST", one.session);
      login.secret_headers = {{"Authorization", basic}};
      FLYT_ASSIGN(const HttpResponse response, session_.http().request(login, call_));
      if (response.status == 200 || response.status == 201) {
        FLYT_ASSIGN(std::string token, parse_rest_token(response.body, what));
        token_ = Secret(std::move(token));
        return ok();
      }
      if (!speaks_otherwise(response.status)) return error_of(login, response);
    }
    return Error{Errc::unsupported, std::string(what),
                 fmt::format("{} has no REST interface", session_.config().url)};
  }

  // `kind`: "tag" or "category".
  Result<std::string> get(std::string_view kind, const std::string& id) {
    return answer(request("GET", fmt::format("{}/{}/{}{}", dialect_->tagging, kind, dialect_->id,
                                             percent_encode(id))));
  }

  Result<std::vector<AttachedTags>> attached(const std::vector<std::string>& machines) {
    HttpRequest question =
        request("POST", fmt::format("{}/tag-association?{}=list-attached-tags-on-objects",
                                    dialect_->tagging, dialect_->action));
    question.body = attached_tags_request(machines);
    FLYT_ASSIGN(const std::string text, answer(question));
    return parse_attached_tags(text, what);
  }

 private:
  HttpRequest request(std::string method, std::string_view path) const {
    HttpRequest request;
    request.method = std::move(method);
    request.url = session_.config().url + std::string(path);
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!token_.empty()) request.secret_headers.emplace_back("vmware-api-session-id", token_);
    return request;
  }

  Result<std::string> answer(const HttpRequest& request) {
    FLYT_ASSIGN(HttpResponse response, session_.http().request(request, call_));
    if (response.status != 200) return error_of(request, response);
    return std::move(response.body);
  }

  Session& session_;
  const Call& call_;
  const Dialect* dialect_ = nullptr;
  Secret token_;
};

// Asks for each tag and category once.
class Names {
 public:
  explicit Names(Rest& rest) : rest_(rest) {}

  // "category:tag"; nothing: it has been removed meanwhile.
  Result<std::optional<std::string>> of(const std::string& tag) {
    const auto known = tags_.find(tag);
    if (known != tags_.end()) return known->second;
    auto name = ask(tag);
    if (!name && name.error().code == Errc::not_found) name = std::optional<std::string>();
    if (name) tags_[tag] = *name;
    return name;
  }

 private:
  Result<std::optional<std::string>> ask(const std::string& id) {
    FLYT_ASSIGN(const std::string text, rest_.get("tag", id));
    FLYT_ASSIGN(const RestTag tag, parse_rest_tag(text, what));
    FLYT_ASSIGN(const std::string category, category_of(tag.category));
    return std::optional(fmt::format("{}:{}", category, tag.name));
  }

  Result<std::string> category_of(const std::string& id) {
    const auto known = categories_.find(id);
    if (known != categories_.end()) return known->second;
    FLYT_ASSIGN(const std::string text, rest_.get("category", id));
    FLYT_ASSIGN(categories_[id], parse_rest_category(text, what));
    return categories_[id];
  }

  Rest& rest_;
  std::map<std::string, std::optional<std::string>> tags_;
  std::map<std::string, std::string> categories_;
};

}  // namespace

Result<std::map<std::string, std::vector<std::string>>> read_tags(
    Session& session, const std::vector<std::string>& machines, const Call& call) {
  std::map<std::string, std::vector<std::string>> found;
  if (machines.empty()) return found;
  Rest rest(session, call);
  FLYT_TRY(rest.log_in());
  Names names(rest);
  for (std::size_t from = 0; from < machines.size(); from += machines_at_once) {
    const std::size_t count = std::min(machines_at_once, machines.size() - from);
    const auto first = machines.begin() + static_cast<std::ptrdiff_t>(from);
    FLYT_ASSIGN(const auto attached,
                rest.attached({first, first + static_cast<std::ptrdiff_t>(count)}));
    for (const AttachedTags& one : attached) {
      for (const std::string& tag : one.tags) {
        FLYT_ASSIGN(const auto name, names.of(tag));
        if (name) found[one.object].push_back(*name);
      }
    }
  }
  for (auto& [machine, tags] : found) std::sort(tags.begin(), tags.end());
  return found;
}

}  // namespace flyt::vsphere
