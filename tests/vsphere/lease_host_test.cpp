// Export leases whose data comes from another host, or from one that does not do what it should: a
// server of our own, which says what it is told to say.
#include <fstream>

#include "tests/vsphere/lease_fixture.hpp"

namespace flyt::tests {
namespace {

// argv[1]: JSON with `url`, `thumbprint`, `keys` of the lease, `body`, `gone` (at the end, the
// lease is not there any more), `lost` (the session ends while the lease is waited for).
constexpr const char* script = R"(
import http.server, json, re, ssl, sys
told = json.loads(sys.argv[1])
log = []
PORT = 0
def device(key):
    return f'<deviceUrl><key>{key}</key><importKey/><url>{told["url"].replace("PORT", str(PORT))}</url><sslThumbprint>{told["thumbprint"]}</sslThumbprint><disk>true</disk></deviceUrl>'
def prop(name, value): return f'<propSet><name>{name}</name><val>{value}</val></propSet>'
def change(name, value): return f'<changeSet><name>{name}</name><op>assign</op><val>{value}</val></changeSet>'
LEASE = '<obj type="HttpNfcLease">lease-1</obj>'
CONTENT = '<rootFolder type="Folder">f</rootFolder><propertyCollector type="PropertyCollector">pc</propertyCollector><viewManager type="ViewManager">v</viewManager><about><apiType>VirtualCenter</apiType><apiVersion>8.0.3.0</apiVersion></about><sessionManager type="SessionManager">sm</sessionManager>'
DISK = '<device xsi:type="ParaVirtualSCSIController"><key>1000</key><busNumber>0</busNumber></device><device xsi:type="VirtualDisk"><key>2000</key><controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInBytes>1048576</capacityInBytes></device>'
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers: self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == '/log': return self.answer(200, json.dumps(log).encode())
        log.append('GET with cookie' if self.headers.get('Cookie') else 'GET')
        self.answer(200, open(told['body'], 'rb').read())
    def do_POST(self):
        text = self.rfile.read(int(self.headers['Content-Length'])).decode()
        method = re.search(r'<soapenv:Body><(\w+)', text)[1]
        if method.startswith('HttpNfcLease') or method == 'ExportVm': log.append(method)
        gone = told.get('gone') and 'HttpNfcLeaseComplete' in log
        lease = 'lease-1' in text
        if lease and gone or told.get('lost') and method == 'WaitForUpdatesEx':
            fault = '<soapenv:Fault><faultstring>gone</faultstring><detail><ManagedObjectNotFoundFault xsi:type="ManagedObjectNotFound"/></detail></soapenv:Fault>'
            return self.soap(500, fault)
        value = {'RetrieveServiceContent': CONTENT, 'Login': '<key>k</key>',
                 'RetrievePropertiesEx': '<objects>' + (LEASE + prop('state', 'ready') if lease else
                     '<obj type="VirtualMachine">vm-1</obj>' + prop('config.hardware', DISK) + prop('runtime.powerState', 'poweredOff')) + '</objects>',
                 'WaitForUpdatesEx': '<version>1</version><filterSet><objectSet><kind>enter</kind>' + LEASE + change('state', 'ready') +
                     change('info', ''.join(device(k) for k in told['keys']) + '<leaseTimeout>300</leaseTimeout>') + '</objectSet></filterSet>'}.get(method, '')
        refs = {'ExportVm': ('HttpNfcLease', 'lease-1'), 'CreatePropertyCollector': ('PropertyCollector', 'pc2'), 'CreateFilter': ('PropertyFilter', 'pf')}
        if method in refs: value = None
        body = f'<returnval type="{refs[method][0]}">{refs[method][1]}</returnval>' if value is None else f'<returnval>{value}</returnval>' if value else ''
        self.soap(200, f'<{method}Response xmlns="urn:vim25">{body}</{method}Response>')
    def soap(self, status, inner):
        self.answer(status, f'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>'.encode(),
                    ('Set-Cookie', 'vmware_soap_session="one"; Path=/'))
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
s.daemon_threads = True
PORT = s.server_address[1]
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain('cert.pem', 'key.pem')
s.socket = c.wrap_socket(s.socket, server_side=True)
print(PORT, flush=True)
s.serve_forever()
)";

constexpr const char* place = "/vm-1/ParaVirtualSCSIController0:0";

std::string output(const std::vector<std::string>& argv, const std::filesystem::path& folder) {
  Command command{argv};
  command.folder = folder;
  return take(check(command, in_time())).output;
}

// A vCenter, which is its only host, too.
class OddServer {
 public:
  OddServer() {
    output({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem",
            "-out", "cert.pem", "-days", "2", "-subj", "/CN=vc"},
           dir_.path());
    std::ofstream(dir_ / "disk.raw") << std::string(static_cast<std::size_t>(mib / 2), 'x');
    std::filesystem::resize_file(dir_ / "disk.raw", mib);
    output({"qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "disk.raw",
            "disk.vmdk"},
           dir_.path());
    told_ = {{"url", "https://*/nfc/ticket-1/disk-0.vmdk"},
             {"thumbprint", fingerprint("-sha1")},
             {"keys", {place}},
             {"body", "disk.vmdk"}};
  }

  nlohmann::json& told() { return told_; }
  const TempDir& folder() const { return dir_; }
  std::string fingerprint(const std::string& kind) const {
    const std::string printed =
        output({"openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint", kind}, dir_.path());
    const auto begin = printed.find('=') + 1;
    return printed.substr(begin, printed.find('\n') - begin);
  }

  // Reads the disk; its error, or "ok".
  Status read() {
    Command serve{{"python3", "-c", script, told_.dump()}};
    serve.folder = dir_.path();
    auto process = take(Process::start(serve));
    const auto port = take(process.read_line(in_time()));
    if (!port) FAIL(process.errors());
    vsphere::ServerConfig config;
    config.url = "https://127.0.0.1:" + *port;
    config.user = "flyt";
    config.password = [](const Call&) { return Result<Secret>(Secret("secret")); };
    config.trust.fingerprint = fingerprint("-sha256");
    const std::string url = config.url;
    Status done = [&] {
      vsphere::Session session(std::move(config));
      vsphere::LeaseSpec spec;
      spec.machine = {"VirtualMachine", "vm-1"};
      spec.disk_key = "2000";
      spec.size_bytes = mib;
      spec.what = "web01: Hard disk 1";
      auto channel = open_lease(session, spec, in_time());
      return channel ? save(**channel, dir_ / "copy.raw", in_time()) : Status(channel.error());
    }();
    Http http({"", fingerprint("-sha256")});
    log_.clear();
    for (const auto& one :
         nlohmann::json::parse(take(http.request({"GET", url + "/log"}, in_time())).body)) {
      log_ += (log_.empty() ? "" : ", ") + one.get<std::string>();
    }
    return done;
  }
  // What the server was asked, but for what any session asks.
  const std::string& log() const { return log_; }
  bool equal() const {
    return output({"sh", "-c", "cmp disk.raw copy.raw && echo same"}, dir_.path()) == "same\n";
  }

 private:
  TempDir dir_;
  nlohmann::json told_;
  std::string log_;
};

bool can_serve() {
  return find_program("python3") && find_program("openssl") && find_program("qemu-img");
}

TEST_CASE("a lease of the server itself is read with the session's cookie", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  server.told()["thumbprint"] = "";
  CHECK(told(server.read()) == "ok");
  CHECK(server.equal());
  CHECK(server.log() == "ExportVm, GET with cookie, HttpNfcLeaseComplete");
}

TEST_CASE("another host is pinned by the lease's thumbprint and gets no cookie", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  server.told()["url"] = "https://localhost:PORT/nfc/ticket-1/disk-0.vmdk";
  CHECK(told(server.read()) == "ok");
  CHECK(server.equal());
  CHECK(server.log() == "ExportVm, GET, HttpNfcLeaseComplete");
  // Another certificate, and one that only an authority could vouch for.
  for (std::string thumbprint : {server.fingerprint("-sha1"), std::string()}) {
    if (!thumbprint.empty()) thumbprint.front() = thumbprint.front() == '0' ? '1' : '0';
    INFO(thumbprint);
    server.told()["thumbprint"] = thumbprint;
    const Status done = server.read();
    const Error error = refusal(done, Errc::denied);
    CHECK(holds(error.what, "web01: Hard disk 1: "));
    REQUIRE(error.remedy.size() == 1);
    CHECK(holds(error.remedy[0], "localhost"));
    CHECK_FALSE(holds(tests::told(done), "ticket-1"));
    CHECK(server.log() == "ExportVm, HttpNfcLeaseAbort");
  }
}

TEST_CASE("a host that cannot be reached is named, and its ticket is not", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  server.told()["url"] = "https://127.0.0.1:1/nfc/ticket-1/disk-0.vmdk";
  const Status done = server.read();
  const Error error = refusal(done, Errc::unavailable);
  REQUIRE_FALSE(error.remedy.empty());
  CHECK(holds(error.remedy[0], "127.0.0.1"));
  CHECK_FALSE(holds(tests::told(done), "ticket-1"));
  CHECK(server.log() == "ExportVm, HttpNfcLeaseAbort");
}

TEST_CASE("a stream that is not the disk is corrupt", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  const auto whole = std::filesystem::file_size(server.folder() / "disk.vmdk");
  std::filesystem::copy(server.folder() / "disk.vmdk", server.folder() / "cut.vmdk");
  std::string end = "HttpNfcLeaseAbort";
  SECTION("cut short, and no connection broke") {
    std::filesystem::resize_file(server.folder() / "cut.vmdk", whole / 2 - 100);
  }
  SECTION("nothing at all") { std::filesystem::resize_file(server.folder() / "cut.vmdk", 0); }
  SECTION("a page in place of a disk") {
    std::ofstream(server.folder() / "cut.vmdk") << std::string(2048, '<');
  }
  SECTION("with something behind it") {
    std::ofstream(server.folder() / "cut.vmdk", std::ios::app) << std::string(512, 'x');
  }
  server.told()["body"] = "cut.vmdk";
  const Error error = refusal(server.read(), Errc::corrupt);
  CHECK_FALSE(error.state.empty());
  CHECK_FALSE(error.remedy.empty());
  CHECK(server.log() == "ExportVm, GET with cookie, HttpNfcLeaseAbort");
}

TEST_CASE("a lease that was gone when the stream ended proves nothing", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  server.told()["gone"] = true;
  CHECK(holds(refusal(server.read(), Errc::unavailable).what, "the export lease has ended"));
}

TEST_CASE("a session that ends while a lease is waited for can be tried again", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  server.told()["lost"] = true;
  const Error error = refusal(server.read(), Errc::unavailable);
  CHECK(holds(error.seen, "ManagedObjectNotFound"));
  CHECK(holds(error.why, "session"));
  CHECK(server.log() == "ExportVm, HttpNfcLeaseAbort");
}

TEST_CASE("a lease that does not name its disks is given back", "[vsphere]") {
  if (!can_serve()) FLYT_SKIP("needs python3, openssl and qemu-img");
  OddServer server;
  server.told()["keys"] = {"/vm-1/disk-0", "/vm-1/disk-1"};
  check_refused(server.read(), Errc::unsupported);
  CHECK(server.log() == "ExportVm, HttpNfcLeaseAbort");
  server.told()["keys"] = {"/vm-1/disk-0"};  // there is but one
  CHECK(told(server.read()) == "ok");
  CHECK(server.equal());
}

}  // namespace
}  // namespace flyt::tests
