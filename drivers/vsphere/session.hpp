// A login at a vCenter or an ESXi host, shared by all calls of one endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "drivers/vsphere/soap.hpp"

namespace flyt::vsphere {

struct ServerConfig {
  std::string url;  // "https://vcenter.example/": scheme, host and port
  std::string user;
  std::function<Result<Secret>(const Call& call)> password;  // asked at each login
  HttpTrust trust;
};

// What the server says of itself before anybody has logged in (ServiceContent).
struct Service {
  Ref root_folder, property_collector, view_manager, session_manager;
  Ref custom_fields;  // empty: this server has none
  Ref event_manager;  // the same
  Ref authorization, licences;
  std::string name;           // "VMware vCenter Server"
  std::string full_name;      // "VMware vCenter Server 8.0.3 build-24022515"
  std::string version;        // "8.0.3"
  std::string api_version;    // "8.0.3.0"
  std::string instance_uuid;  // of a vCenter; empty: a single host
  bool vcenter = false;
};

// Thread-safe. Logs in with the first call that needs it and, once in a call, when the server has
// ended the session (idle for 30 minutes, restarted); logs out when it is destroyed. A session that
// nobody uses is not kept alive: the next call makes another.
class Session {
 public:
  explicit Session(ServerConfig config);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Calls `method` of `self`. `what` begins the error: "web01: taking the snapshot flyt-abc".
  // A fault is an Error by its meaning (faults.hpp). A call that was stopped or timed out may have
  // been carried out.
  Result<Reply> call(std::string_view method, const Ref& self, const Body& body,
                     std::string_view what, const Call& call);
  // The same for what lives and ends with one session: views, filters, pages of an answer.
  // `cookie`: Reply::session of the call that made it. Nothing: that session has ended.
  Result<std::optional<Reply>> call_in(const Secret& cookie, std::string_view method,
                                       const Ref& self, const Body& body, std::string_view what,
                                       const Call& call);

  Result<Service> service(const Call& call);

  // "NAME=VALUE" of the session's cookie, for what is read by HTTPS from the same server; logs in
  // where nobody has.
  Result<Secret> cookie(const Call& call);
  // The server has refused `cookie`: another login, unless somebody else has had one since.
  Result<Secret> renewed(const Secret& cookie, const Call& call);

  Http& http() { return http_; }
  const ServerConfig& config() const { return config_; }

 private:
  Result<HttpResponse> send(std::string_view method, const Ref& self, const Body& body,
                            const Secret& cookie, const Call& call);
  Result<Answer> post(std::string_view method, const Ref& self, const Body& body,
                      const Secret& cookie, const Call& call);
  Result<Secret> log_in(const Call& call);

  const ServerConfig config_;
  Http http_;
  std::mutex mutex_;  // held while logging in, so that there is one login at a time
  std::optional<Service> service_;
  Secret cookie_;
  std::string api_version_;  // for SOAPAction; guarded as the others
};

}  // namespace flyt::vsphere
