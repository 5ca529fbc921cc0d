#include "tests/unit/base/https_server.hpp"

#include "tests/catch.hpp"

namespace flyt::tests {

bool can_serve() { return find_program("python3") && find_program("openssl"); }

HttpsServer::HttpsServer(const std::string& script) {
  Command make{{"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem",
                "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost"}};
  make.folder = dir.path();
  REQUIRE(check(make, {}));
  fingerprint = fingerprint_by("-sha256");
  Command serve{{"python3", "-c", script}};
  serve.folder = dir.path();
  process.emplace(Process::start(serve).value());
  const auto port = process->read_line({}).value();
  if (!port) FAIL(process->errors());
  url = "https://localhost:" + *port;
}

std::string HttpsServer::fingerprint_by(const std::string& kind) const {
  Command print{{"openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint", kind}};
  print.folder = dir.path();
  const std::string printed = check(print, {})->output;
  const auto begin = printed.find('=') + 1;
  return printed.substr(begin, printed.find('\n') - begin);
}

}  // namespace flyt::tests
