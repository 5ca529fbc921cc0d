#include "tests/vsphere/canned_server.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "base/durable_file.hpp"

namespace flyt::tests {
namespace {

constexpr const char* script = R"(
import http.server, json, ssl
answers = json.load(open('answers.json'))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def do(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0))).decode()
        first = self.command + ' ' + self.path
        with open('requests', 'a') as log:
            log.write(json.dumps(first + '\n' + str(self.headers) + '\n' + body) + '\n')
        found = [a for a in answers if a['when'] in first or a['when'] in body]
        answer = found[0] if found else {'status': 404, 'body': 'no such page', 'headers': []}
        self.send_response(answer['status'])
        for name, value in answer['headers']: self.send_header(name, value)
        content = answer['body'].encode('latin-1', 'surrogateescape')
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    do_GET = do_POST = do_DELETE = do
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
)";

std::string must(const TempDir& folder, std::vector<std::string> argv) {
  Command command{std::move(argv)};
  command.folder = folder.path();
  const auto done = check(command, Call{}.within(std::chrono::minutes(2)));
  if (!done) throw std::runtime_error(done.error().what + ": " + done.error().seen);
  return done->output;
}

// JSON holds texts; these may be any bytes.
std::string as_latin1(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0U | code >> 6U);
      text += static_cast<char>(0x80U | (code & 0x3fU));
    }
  }
  return text;
}

}  // namespace

CannedServer::CannedServer(const std::vector<CannedAnswer>& answers) {
  nlohmann::json all = nlohmann::json::array();
  for (const CannedAnswer& one : answers) {
    all.push_back({{"when", one.when},
                   {"status", one.status},
                   {"body", as_latin1(one.body)},
                   {"headers", one.headers}});
  }
  std::ofstream(folder_ / "answers.json") << all;
  must(folder_, {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem",
                 "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"});
  const std::string printed =
      must(folder_, {"openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"});
  fingerprint_ = printed.substr(printed.find('=') + 1, 95);
  Command serve{{"python3", "-c", script}};
  serve.folder = folder_.path();
  auto started = Process::start(serve);
  if (!started) throw std::runtime_error(started.error().what);
  process_ = *std::move(started);
  const auto port = process_->read_line(Call{}.within(std::chrono::minutes(2)));
  if (!port || !*port) throw std::runtime_error(process_->errors());
  url_ = "https://127.0.0.1:" + **port;
  std::ofstream(folder_ / "password") << "hush-hush\n";
  std::filesystem::permissions(folder_ / "password", std::filesystem::perms::owner_read);
}

EndpointConfig CannedServer::endpoint() const {
  EndpointConfig config;
  config.name = "vcenter";
  config.driver = "vsphere";
  config.values = {{"url", url_}, {"user", "flyt"}, {"fingerprint", fingerprint_}};
  config.secrets["password"] = {SecretSource::Kind::file, folder_ / "password"};
  return config;
}

std::vector<std::string> CannedServer::requests() const {
  std::vector<std::string> all;
  std::ifstream log(folder_ / "requests");
  for (std::string line; std::getline(log, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

std::string soap(const std::string& content) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"
 xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body>
)" + content +
         "\n</soapenv:Body>\n</soapenv:Envelope>";
}

std::vector<CannedAnswer> vcenter_greeting() {
  return {
      {"<RetrieveServiceContent", 200,
       soap(R"(<RetrieveServiceContentResponse xmlns="urn:vim25"><returnval>
<rootFolder type="Folder">group-d1</rootFolder>
<propertyCollector type="PropertyCollector">propertyCollector</propertyCollector>
<viewManager type="ViewManager">ViewManager</viewManager>
<eventManager type="EventManager">EventManager</eventManager>
<about><name>VMware vCenter Server</name>
<fullName>VMware vCenter Server 8.0.3 build-24022515</fullName><vendor>VMware, Inc.</vendor>
<version>8.0.3</version><build>24022515</build><apiType>VirtualCenter</apiType>
<apiVersion>8.0.3.0</apiVersion>
<instanceUuid>5e0d1d26-5d35-4c1a-9f5c-2e4a0a7d0b11</instanceUuid></about>
<sessionManager type="SessionManager">SessionManager</sessionManager>
</returnval></RetrieveServiceContentResponse>)")},
      {"<Login",
       200,
       soap(R"(<LoginResponse xmlns="urn:vim25"><returnval><key>52aa</key>
<userName>flyt</userName></returnval></LoginResponse>)"),
       {{"Set-Cookie", "vmware_soap_session=\"52aa\"; Path=/; HttpOnly; Secure;"}}},
      {"<Logout", 200, soap(R"(<LogoutResponse xmlns="urn:vim25"></LogoutResponse>)")},
  };
}

}  // namespace flyt::tests
