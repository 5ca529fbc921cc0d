// An HTTPS server that answers by rote: what the lab would never say.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/site.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {

struct CannedAnswer {
  std::string when;  // stands in the request's first line or in its body; the first match answers
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

class CannedServer {
 public:
  // What no answer fits is 404. Throws std::runtime_error where it cannot be started.
  explicit CannedServer(const std::vector<CannedAnswer>& answers);
  EndpointConfig endpoint() const;            // with a password
  std::vector<std::string> requests() const;  // "POST /sdk\nheaders\n\nbody", one after another

 private:
  TempDir folder_;
  std::string url_, fingerprint_;
  std::optional<Process> process_;
};

// A SOAP answer of vSphere around `content`, the element METHODResponse or Fault.
std::string soap(const std::string& content);
// Answers to RetrieveServiceContent and Login, as a vCenter gives them.
std::vector<CannedAnswer> vcenter_greeting();

}  // namespace flyt::tests
