#include "base/http.hpp"

#include <atomic>

#include "tests/catch.hpp"
#include "tests/unit/base/https_server.hpp"

namespace flyt {
namespace {

constexpr const char* script = R"(
import http.server, ssl, sys
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
        if self.path == '/host': self.answer(302, b'', ('Location', 'https://127.0.0.1:%d/x' % s.server_address[1]))
        elif self.path == '/plain': self.answer(302, b'', ('Location', 'http://localhost/x'))
        elif self.path.startswith('/away'): self.answer(302, b'', ('Location', '/there'))
        elif self.path == '/big': self.answer(200, b'x' * 3000000)
        elif self.path == '/hang':
            self.send_response(200); self.send_header('Content-Length', '10'); self.end_headers()
            self.wfile.write(b'x'); self.wfile.flush(); self.rfile.read(1)
        elif self.path == '/bad': self.answer(500, b'why')
        else: self.answer(200, self.headers.get('Authorization', self.path).encode(), ('X-Odd', 'a b'))
    def do_PUT(self):
        if self.headers.get('Transfer-Encoding') == 'chunked':
            body = b''
            while True:
                n = int(self.rfile.readline(), 16)
                body += self.rfile.read(n); self.rfile.readline()
                if n == 0: break
        else: body = self.rfile.read(int(self.headers['Content-Length']))
        self.answer(201, str(len(body)).encode())
    do_POST = do_PUT
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
s.daemon_threads = True
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain('cert.pem', 'key.pem')
s.socket = c.wrap_socket(s.socket, server_side=True)
print(s.server_address[1], flush=True)
s.serve_forever()
)";

struct Server : tests::HttpsServer {
  Server() : HttpsServer(script) {}
};

using tests::can_serve;

HttpRequest get(const Server& server, const std::string& path) {
  return {"GET", server.url + path};
}

TEST_CASE("requests are answered over a verified connection", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  Http http(server.by_ca());
  HttpResponse answer = http.request(get(server, "/a"), {}).value();
  CHECK(answer.status == 200);
  CHECK(answer.reason == "OK");
  CHECK(answer.body == "/a");
  REQUIRE(answer.header("x-odd") != nullptr);
  CHECK(*answer.header("x-odd") == "a b");
  CHECK(answer.header("none") == nullptr);
  CHECK(http.request(get(server, "/bad"), {})->status == 500);
  CHECK(http.request(get(server, "/away"), {})->status == 302);
  HttpRequest follow = get(server, "/away");
  follow.follow_redirects = true;
  CHECK(http.request(follow, {})->body == "/there");
  HttpRequest secret = get(server, "/");
  secret.secret_headers.emplace_back("Authorization", Secret(std::string("token x")));
  CHECK(http.request(secret, {})->body == "token x");
}

TEST_CASE("a redirect takes no secret to another host, and none from https to http", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  Http http({"", server.fingerprint});
  HttpRequest other = get(server, "/host");
  other.follow_redirects = true;
  CHECK(http.request(other, {})->body == "/x");
  other.secret_headers.emplace_back("X-Auth-Token", Secret(std::string("hush")));
  const auto denied = http.request(other, {});
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Errc::denied);
  CHECK_THAT(denied.error().seen,
             Catch::Matchers::Contains("from " + server.url + " to https://127"));
  HttpRequest same = other;
  same.url = server.url + "/away";
  CHECK(http.request(same, {})->body == "/there");
  HttpRequest plain = get(server, "/plain");
  plain.follow_redirects = true;
  CHECK(http.request(plain, {}).error().code == Errc::invalid);
}

TEST_CASE("a certificate is trusted by authority or by fingerprint only", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  CHECK(Http({"", server.fingerprint}).request(get(server, "/a"), {})->body == "/a");
  // A pin needs no authorities, so none are read.
  CHECK(Http({server.dir / "none.pem", server.fingerprint}).request(get(server, "/a"), {}));
  const auto unknown = Http({}).request(get(server, "/a"), {});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::denied);
  std::string plain;
  for (const char c : server.fingerprint) {
    if (c != ':') plain += c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  CHECK(unknown.error().seen.find(plain) != std::string::npos);
  CHECK_FALSE(unknown.error().remedy.empty());
  std::string other = server.fingerprint;
  other.front() = other.front() == '0' ? '1' : '0';
  const auto pinned = Http({server.dir / "cert.pem", other}).request(get(server, "/a"), {});
  REQUIRE_FALSE(pinned);
  CHECK(pinned.error().code == Errc::denied);
  CHECK(pinned.error().seen.find(plain) != std::string::npos);
  HttpRequest by_number = get(server, "/a");
  by_number.url.replace(8, 9, "127.0.0.1");  // not in the certificate
  CHECK(Http(server.by_ca()).request(by_number, {}).error().code == Errc::denied);
}

TEST_CASE("the SHA-1 of a trusted certificate is told to whom made the connection", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  std::string sha1;
  for (const char c : server.fingerprint_by("-sha1")) {
    if (c != ':') sha1 += c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  Http pinned({"", server.fingerprint});
  CHECK(pinned.request(get(server, "/a"), {})->certificate_sha1 == sha1);
  CHECK(pinned.request(get(server, "/a"), {})->certificate_sha1.empty());  // on the same connection
  CHECK(Http(server.by_ca()).request(get(server, "/a"), {})->certificate_sha1 == sha1);
}

TEST_CASE("a certificate may be pinned by SHA-1 where nothing better is known", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  const std::string sha1 = server.fingerprint_by("-sha1");
  REQUIRE(sha1.size() == 59);
  CHECK(Http({.sha1 = sha1}).request(get(server, "/a"), {})->body == "/a");
  std::string other = sha1;
  other.front() = other.front() == '0' ? '1' : '0';
  const auto refused = Http({.sha1 = other}).request(get(server, "/a"), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::denied);
  CHECK_THAT(refused.error().seen, Catch::Matchers::Contains("SHA-1"));
  CHECK(refused.error().remedy.empty());  // none is to be written into the site file
  // The better one alone decides.
  CHECK(Http({.fingerprint = server.fingerprint, .sha1 = other}).request(get(server, "/a"), {}));
  std::string wrong = server.fingerprint;
  wrong.front() = wrong.front() == '0' ? '1' : '0';
  CHECK_FALSE(Http({.fingerprint = wrong, .sha1 = sha1}).request(get(server, "/a"), {}));
  for (const char* bad : {"12", "zz", "SHA1:00"}) {
    CHECK(Http({.sha1 = bad}).request(get(server, "/a"), {}).error().code == Errc::invalid);
  }
}

TEST_CASE("errors of a request with a title do not show its URL", "[http]") {
  HttpRequest request{"GET", "http://127.0.0.1:1/ticket-5217/disk"};
  request.title = "web01: Hard disk 1";
  std::stop_source stopped;
  stopped.request_stop();
  for (const Call& call : {Call{}, Call{stopped.get_token()}}) {
    const auto failed = Http({}).request(request, call);
    REQUIRE_FALSE(failed);
    CHECK_THAT(failed.error().what, Catch::Matchers::StartsWith("web01: Hard disk 1: "));
    CHECK(failed.error().what.find("ticket-5217") == std::string::npos);
  }
}

TEST_CASE("bodies stream both ways", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  Http http(server.by_ca());
  HttpRequest big = get(server, "/big");
  std::size_t received = 0;
  big.download = [&](std::span<const std::byte> data) {
    received += data.size();
    return ok();
  };
  CHECK(http.request(big, {})->body.empty());
  CHECK(received == 3000000);
  big.download = [](std::span<const std::byte>) { return Error{Errc::corrupt, "bad block"}; };
  CHECK(http.request(big, {}).error().code == Errc::corrupt);
  big.download = {};
  big.body_limit = 1000;
  CHECK(http.request(big, {}).error().code == Errc::invalid);

  std::size_t left = 0;
  HttpRequest upload{"PUT", server.url + "/disk"};
  upload.upload = [&](std::span<std::byte> to) -> Result<std::size_t> {
    const std::size_t part = std::min(left, to.size());
    std::fill_n(to.begin(), part, std::byte{7});
    left -= part;
    return part;
  };
  left = 1000001;
  CHECK(http.request(upload, {})->body == "1000001");
  left = 1000001;
  upload.upload_size = left;
  CHECK(http.request(upload, {})->body == "1000001");
  HttpRequest post{"POST", server.url + "/x"};
  post.body = std::string("a\0b", 3);
  CHECK(http.request(post, {})->body == "3");
}

TEST_CASE("a request stops on demand and at its deadline", "[http]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  Server server;
  Http http(server.by_ca());
  std::stop_source source;
  HttpRequest hang = get(server, "/hang");
  hang.download = [&](std::span<const std::byte>) {
    source.request_stop();
    return ok();
  };
  CHECK(http.request(hang, {source.get_token()}).error().code == Errc::cancelled);
  hang.download = {};
  const Call soon = Call{}.within(std::chrono::milliseconds(300));
  CHECK(http.request(hang, soon).error().code == Errc::timed_out);
}

TEST_CASE("what cannot be reached is classified, and shown without secrets", "[http]") {
  Http http({}, std::chrono::seconds(5));
  const auto refused = http.request({"GET", "http://127.0.0.1:1/a?token=hemmelig"}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(refused.error().what.find("hemmelig") == std::string::npos);
  CHECK(http.request({"GET", "file:///etc/passwd"}, {}).error().code == Errc::invalid);
  CHECK(http.request({"GET", "http://"}, {}).error().code == Errc::invalid);
  HttpRequest split{"GET", "http://127.0.0.1:1/"};
  split.headers = {{"X-A", "b\r\nX-C: d"}};
  CHECK(http.request(split, {}).error().code == Errc::invalid);
}

}  // namespace
}  // namespace flyt
