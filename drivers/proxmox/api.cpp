#include "drivers/proxmox/api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/uri.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::string_view root = "/api2/json";

std::string_view word(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::remove:
      break;
  }
  return "DELETE";
}

// The server takes no body with GET and DELETE.
bool has_body(Method method) { return method == Method::post || method == Method::put; }

// A node that is gone, as the node that was asked says it.
bool cannot_reach(const HttpResponse& answer) {
  return answer.status == 595 || (answer.status >= 502 && answer.status <= 504);
}

Secret cookie_of(const Secret& ticket) {
  return Secret("PVEAuthCookie=" + percent_encode(ticket.reveal()));
}

}  // namespace

struct Api::Node {
  Entry entry;
  Http http;
  explicit Node(Entry of) : entry(std::move(of)), http(entry.trust) {}
};

std::string form(const Params& params) {
  std::string text;
  for (const auto& [key, value] : params) {
    if (!text.empty()) text += '&';
    text += percent_encode(key);
    text += '=';
    text += percent_encode(value);
  }
  return text;
}

Api::Api(std::vector<Entry> entries, Login login)
    : login_(std::move(login)), first_url_(entries.empty() ? "" : entries.front().url) {
  learn(std::move(entries));
}

void Api::learn(std::vector<Entry> entries) {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries) {
    const bool known = std::any_of(nodes_.begin(), nodes_.end(),
                                   [&](const auto& node) { return node->entry.url == entry.url; });
    if (!known) nodes_.push_back(std::make_shared<Node>(std::move(entry)));
  }
}

std::size_t Api::count() {
  const std::lock_guard lock(mutex_);
  return nodes_.size();
}

std::shared_ptr<Api::Node> Api::node(std::size_t tried) {
  const std::lock_guard lock(mutex_);
  return nodes_[(preferred_ + tried) % nodes_.size()];
}

void Api::prefer(const std::shared_ptr<Node>& node) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find(nodes_.begin(), nodes_.end(), node);
  preferred_ = static_cast<std::size_t>(found - nodes_.begin());
}

void Api::avoid(const std::shared_ptr<Node>& node) {
  const std::lock_guard lock(mutex_);
  if (nodes_[preferred_ % nodes_.size()] == node) preferred_ = (preferred_ + 1) % nodes_.size();
}

Result<HttpResponse> Api::send(Node& node, const Ask& ask, const Ticket& ticket,
                               const Secret& token, const Call& call) {
  HttpRequest request;
  request.method = word(ask.method);
  request.once = ask.method != Method::get;
  request.url = node.entry.url + std::string(root) + ask.path;
  const std::string fields = form(ask.params);
  if (ask.body != nullptr) {
    FLYT_TRY(ask.body->rewind());
    request.headers.emplace_back("Content-Type", ask.body->type());
    request.upload_size = ask.body->size();
    request.upload = [&ask, &call](std::span<std::byte> to) { return ask.body->read(to, call); };
  } else if (has_body(ask.method)) {
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = fields;
  } else if (!fields.empty()) {
    request.url += "?" + fields;
  }
  // curl would wait for a go-ahead that this server does not give.
  request.headers.emplace_back("Expect", "");
  if (!token.empty()) request.secret_headers.emplace_back("Authorization", token);
  if (!ticket.empty()) {
    request.secret_headers.emplace_back("Cookie", cookie_of(ticket.cookie));
    if (ask.method != Method::get)
      request.secret_headers.emplace_back("CSRFPreventionToken", ticket.csrf);
  }
  return node.http.request(request, call);
}

Result<Api::Ticket> Api::ticket(Node& node, const Ticket& refused, const Call& call) {
  const std::lock_guard lock(logging_in_);
  if (!ticket_.empty() && ticket_.cookie.reveal() != refused.cookie.reveal()) return ticket_;
  FLYT_ASSIGN(const Secret password, login_.secret(call));
  const std::string path = "/access/ticket";
  const Params params{{"username", login_.user}, {"password", password.reveal()}};
  FLYT_ASSIGN(const HttpResponse answer, send(node, {Method::post, path, params}, {}, {}, call));
  const auto what = fmt::format("logging in as {}", login_.user);
  if (answer.status != 200) return error_of(answer, what);
  FLYT_ASSIGN(const TicketFacts facts, parse_ticket(answer.body, what));
  ticket_ = {Secret(facts.ticket), Secret(facts.csrf)};
  return ticket_;
}

Result<Secret> Api::token(const Call& call) {
  const std::lock_guard lock(logging_in_);
  if (!token_) {
    FLYT_ASSIGN(const Secret value, login_.secret(call));
    token_ = Secret(fmt::format("PVEAPIToken={}={}", login_.token, value.reveal()));
  }
  return *token_;
}

Result<HttpResponse> Api::authenticated(Node& node, const Ask& ask, const Call& call) {
  if (!login_.token.empty()) {
    FLYT_ASSIGN(const Secret header, token(call));
    return send(node, ask, {}, header, call);
  }
  FLYT_ASSIGN(Ticket mine, ticket(node, {}, call));
  FLYT_ASSIGN(HttpResponse answer, send(node, ask, mine, {}, call));
  if (answer.status != 401) return answer;
  // Tickets last two hours. What was refused was not done.
  FLYT_ASSIGN(mine, ticket(node, mine, call));
  return send(node, ask, mine, {}, call);
}

Result<Row> Api::get_row(const std::string& path, std::string_view what, const Call& call,
                         const Params& params) {
  FLYT_ASSIGN(const std::string body, get(path, what, call, params));
  return parse_row(body, what);
}

Result<std::vector<Row>> Api::get_rows(const std::string& path, std::string_view what,
                                       const Call& call, const Params& params) {
  FLYT_ASSIGN(const std::string body, get(path, what, call, params));
  return parse_rows(body, what);
}

Result<std::string> Api::request(Method method, const std::string& path, const Params& params,
                                 std::string_view what, const Call& call) {
  return request({method, path, params}, what, call);
}

Result<std::string> Api::request_at(const Place& place, Method method, const std::string& path,
                                    const Params& params, std::string_view what, const Call& call) {
  FLYT_TRY(proceed(call, what));
  auto answer = authenticated(*place, {method, path, params}, call);
  if (!answer) return within(what, std::move(answer)).error();
  if (answer->status < 200 || answer->status > 299) return error_of(*answer, what);
  return std::move(answer->body);
}

Result<WebSocket> Api::web_socket(const Place& place, const std::string& path, const Params& params,
                                  std::string_view what, const Call& call) {
  WebSocketRequest request{
      .url = fmt::format("{}{}{}?{}", place->entry.url, root, path, form(params)),
      .title = std::string(what),
      .protocol = "binary"};
  if (!login_.token.empty()) {
    FLYT_ASSIGN(Secret header, token(call));
    request.secret_headers.emplace_back("Authorization", std::move(header));
  } else {
    FLYT_ASSIGN(const Ticket mine, ticket(*place, {}, call));
    request.secret_headers.emplace_back("Cookie", cookie_of(mine.cookie));
  }
  return WebSocket::connect(request, place->entry.trust, call);
}

Result<std::string> Api::upload(const std::string& path, const FileToSend& file,
                                std::string_view what, const Call& call) {
  FLYT_ASSIGN(MultipartBody body, MultipartBody::open(file));
  const Params none;
  return request({Method::post, path, none, &body}, what, call);
}

Result<std::string> Api::request(const Ask& ask, std::string_view what, const Call& call) {
  FLYT_TRY(proceed(call, what));
  const std::size_t nodes = ask.method == Method::get ? count() : 1;
  for (std::size_t tried = 0;; ++tried) {
    const auto asked = node(tried);
    const bool last = tried + 1 >= nodes;
    auto answer = authenticated(*asked, ask, call);
    if (!answer) {
      if (answer.error().code == Errc::unavailable) {
        if (!last) continue;
        avoid(asked);
      }
      return within(what, std::move(answer)).error();
    }
    if (cannot_reach(*answer) && !last) continue;
    if (tried != 0) prefer(asked);
    if (answer->status < 200 || answer->status > 299) return error_of(*answer, what);
    return std::move(answer->body);
  }
}

}  // namespace flyt::proxmox
