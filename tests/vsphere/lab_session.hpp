// A session with the lab, as the driver would have it, and what it is about.
#pragma once

#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "drivers/vsphere/session.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {

template <typename T>
void check_refused(const Result<T>& result, Errc code) {
  (void)refusal(result, code);
}

// Waits until the lab has counted so much. False: it has not, in all the time that a test has.
inline bool reaches(VsphereLab& lab, const std::string& counter, std::int64_t least = 1) {
  for (const Call call = in_time(); proceed(call, counter);) {
    if (lab.counter(counter) >= least) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

// To the server of an endpoint that pins its certificate.
inline vsphere::ServerConfig server_of(const EndpointConfig& endpoint) {
  vsphere::ServerConfig config;
  config.url = endpoint.values.at("url");
  config.user = endpoint.values.at("user");
  config.password = [source = endpoint.secrets.at("password")](const Call& call) {
    return resolve(source, {}, call);
  };
  config.trust.fingerprint = endpoint.values.at("fingerprint");
  return config;
}

class LabSession {
 public:
  explicit LabSession(VsphereLab& lab) : lab_(lab) { session_.emplace(server_of(lab.endpoint())); }

  VsphereLab& lab() { return lab_; }
  vsphere::Session& session() { return *session_; }
  void log_out() { session_.reset(); }
  nlohmann::json state(const std::string& machine) {
    return lab_.control("GET", "/state?vm=" + machine);
  }
  vsphere::Ref machine(const std::string& name) {
    return {"VirtualMachine", state(name).at("moref")};
  }

 private:
  VsphereLab& lab_;
  std::optional<vsphere::Session> session_;
};

}  // namespace flyt::tests
