// Requests to the API of a Proxmox VE cluster, by any of its nodes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http.hpp"
#include "base/websocket.hpp"
#include "drivers/proxmox/answers_json.hpp"
#include "drivers/proxmox/multipart.hpp"

namespace flyt::proxmox {

// Who asks: a token ("user@realm!name" and its value), or a user ("user@realm") and a password.
struct Login {
  std::string token, user;  // one of the two
  std::function<Result<Secret>(const Call& call)> secret;
  const std::string& who() const { return token.empty() ? user : token; }
};

// One node at which requests may be made.
struct Entry {
  std::string url;  // "https://HOST:PORT"
  HttpTrust trust;
};

// Form parameters, in the order in which they are sent. A value is text as it is meant, not
// encoded.
using Params = std::vector<std::pair<std::string, std::string>>;

enum class Method : std::uint8_t { get, post, put, remove };

// Thread-safe. A request goes to the node that answered last. Where it cannot be reached, one that
// only looks is made at the next node; one that changes something is not: its outcome is unknown,
// and the next request goes to another node.
// Errors: as Http::request, and by what the answer says (error_of).
class Api {
 public:
  Api(std::vector<Entry> entries, Login login);

  // The answer's body as JSON text: {"data": ...}. `path` begins with '/', without "/api2/json",
  // encoded. `what` begins the error: "web01: creating the machine".
  Result<std::string> request(Method method, const std::string& path, const Params& params,
                              std::string_view what, const Call& call);
  Result<std::string> get(const std::string& path, std::string_view what, const Call& call,
                          const Params& params = {}) {
    return request(Method::get, path, params, what, call);
  }

  // The answer's data: an object, a list of objects.
  Result<Row> get_row(const std::string& path, std::string_view what, const Call& call,
                      const Params& params = {});
  Result<std::vector<Row>> get_rows(const std::string& path, std::string_view what,
                                    const Call& call, const Params& params = {});

  // Sends a file, once; the answer's body. A login that may not is told so by a connection that
  // breaks: ask for its privileges first.
  Result<std::string> upload(const std::string& path, const FileToSend& file, std::string_view what,
                             const Call& call);

  // One of the nodes: for requests that only make sense at one and the same.
  struct Node;
  using Place = std::shared_ptr<Node>;
  // The node that answered last.
  Place place() { return node(0); }
  Result<std::string> request_at(const Place& place, Method method, const std::string& path,
                                 const Params& params, std::string_view what, const Call& call);
  // Opens a web socket there. Errors begin with `what` and do not show the parameters.
  Result<WebSocket> web_socket(const Place& place, const std::string& path, const Params& params,
                               std::string_view what, const Call& call);

  // More nodes of the same cluster; those known already are passed over.
  void learn(std::vector<Entry> entries);
  // Host name or address of the first entry, as configured.
  const std::string& first_url() const { return first_url_; }
  const Login& login() const { return login_; }

 private:
  struct Ticket {
    Secret cookie, csrf;
    bool empty() const { return cookie.empty(); }
  };

  std::shared_ptr<Node> node(std::size_t tried);
  std::size_t count();
  void prefer(const std::shared_ptr<Node>& node);
  void avoid(const std::shared_ptr<Node>& node);
  // What is asked of a node.
  struct Ask {
    Method method = Method::get;
    const std::string& path;
    const Params& params;
    MultipartBody* body = nullptr;  // instead of parameters
  };

  Result<HttpResponse> send(Node& node, const Ask& ask, const Ticket& ticket, const Secret& token,
                            const Call& call);
  Result<HttpResponse> authenticated(Node& node, const Ask& ask, const Call& call);
  Result<std::string> request(const Ask& ask, std::string_view what, const Call& call);
  Result<Ticket> ticket(Node& node, const Ticket& refused, const Call& call);
  Result<Secret> token(const Call& call);

  const Login login_;
  const std::string first_url_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Node>> nodes_;
  std::size_t preferred_ = 0;
  std::mutex logging_in_;  // held while asking, so that there is one login at a time
  Ticket ticket_;
  std::optional<Secret> token_;
};

// "a=b&c=d", percent-encoded.
std::string form(const Params& params);

// What an answer that is no success means.
Error error_of(const HttpResponse& answer, std::string_view what);

}  // namespace flyt::proxmox
