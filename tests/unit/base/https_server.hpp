// A server in Python with a certificate of its own.
#pragma once

#include <optional>
#include <string>

#include "base/http.hpp"
#include "base/process.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {

bool can_serve();  // python3 and openssl are here

// For localhost, on a free port. The script finds cert.pem and key.pem in its folder, and prints
// its port.
struct HttpsServer {
  explicit HttpsServer(const std::string& script);
  // Of its certificate, with colons.
  std::string fingerprint_by(const std::string& kind) const;
  HttpTrust by_ca() const { return {dir / "cert.pem", ""}; }

  TempDir dir;
  std::string fingerprint, url;
  std::optional<Process> process;
};

}  // namespace flyt::tests
