#include "base/websocket.hpp"

#include <numeric>

#include "base/websocket_frames.hpp"
#include "tests/catch.hpp"
#include "tests/unit/base/https_server.hpp"

namespace flyt {
namespace {

using namespace std::chrono_literals;
using tests::can_serve;

// A peer of its own making: the path says how it behaves.
constexpr const char* script = R"(
import base64, hashlib, socket, ssl, struct, threading, time
def exactly(c, n):
    data = b''
    while len(data) < n:
        piece = c.recv(n - len(data))
        if not piece: raise EOFError
        data += piece
    return data
def frame(kind, data, last=True, mask=0):
    n = len(data)
    head = bytes([(0x80 if last else 0) | kind])
    if n < 126: head += bytes([mask | n])
    elif n < 65536: head += bytes([mask | 126]) + struct.pack('>H', n)
    else: head += bytes([mask | 127]) + struct.pack('>Q', n)
    return head + (b'\0\0\0\0' if mask else b'') + data
def read(c):
    a, b = exactly(c, 2)
    assert b & 0x80, 'not masked'
    n = b & 0x7f
    if n == 126: n = struct.unpack('>H', exactly(c, 2))[0]
    elif n == 127: n = struct.unpack('>Q', exactly(c, 8))[0]
    mask = exactly(c, 4)
    assert any(mask), 'the mask hides nothing'
    return a, bytes(x ^ mask[i % 4] for i, x in enumerate(exactly(c, n)))
def serve(c):
    request = b''
    while b'\r\n\r\n' not in request: request += exactly(c, 1)
    lines = request.decode().split('\r\n')
    path = lines[0].split()[1]
    header = dict(line.split(': ', 1) for line in lines[1:] if line)
    if path == '/refused': return c.sendall(b'HTTP/1.1 401 no such ticket\r\nContent-Length: 0\r\n\r\n')
    if path == '/plain': return c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    if path == '/busy': return c.sendall(b'HTTP/1.1 596 \r\n\r\n')
    if path == '/rubbish': return c.sendall(b'SSH-2.0-x\r\n\r\n')
    if path == '/half': return c.sendall(b'HTTP/1.1 101 Swi')
    if path == '/endless':
        while True: c.sendall(b'X-Much: more\r\n')
    if path == '/never': time.sleep(60)
    key = header['Sec-WebSocket-Key']
    assert len(base64.b64decode(key)) == 16 and header['Sec-WebSocket-Version'] == '13'
    if path == '/accept': key = 'x' + key
    accept = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
    answer = b'HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n'
    if path == '/other': answer += b'Sec-WebSocket-Protocol: soap\r\n'
    elif 'Sec-WebSocket-Protocol' in header: answer += b'Sec-WebSocket-Protocol: binary\r\n'
    if path == '/packed': answer += b'Sec-WebSocket-Extensions: permessage-deflate\r\n'
    answer += b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n'
    if path == '/early': return c.sendall(answer + frame(1, b'first') + frame(8, b'\x03\xe8'))
    c.sendall(answer)
    if path == '/secret': c.sendall(frame(2, header['Authorization'].encode()))
    if path == '/pieces':
        for byte in frame(1, b'ab', False) + frame(9, b'hello') + frame(0, b'c', False) + frame(0, b'd'):
            c.sendall(bytes([byte]))
        kind, data = read(c)
        c.sendall(frame(2, b'%x %s' % (kind, data)))
    if path == '/masked': c.sendall(frame(2, b'x', True, 0x80))
    if path == '/reserved': c.sendall(b'\xc2\x01x')
    if path == '/large': c.sendall(frame(2, b'x' * 5000))
    if path == '/larger': c.sendall(frame(2, b'x' * 900, False) + frame(0, b'x' * 900))
    if path == '/huge': c.sendall(b'\x82\x7f' + struct.pack('>Q', 1 << 62))
    if path == '/cut': return
    if path == '/deaf': time.sleep(60)
    while True:
        kind, data = read(c)
        if kind == 0x88:
            return c.sendall(frame(8, data))
        if kind == 0x82: c.sendall(frame(2, data))
def one(c):
    try:
        c = context.wrap_socket(c, server_side=True)
        serve(c)
        c.shutdown(socket.SHUT_WR)
        while c.recv(4096): pass
    except (EOFError, OSError): pass
    finally: c.close()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
while True: threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
)";

struct Server : tests::HttpsServer {
  Server() : HttpsServer(script) {}
  WebSocketRequest at(const std::string& path) const {
    return {.url = url + path, .title = "web01: stream", .protocol = "binary", .limit = 1000};
  }
  Result<WebSocket> open(const std::string& path, const Call& call = {}) const {
    return WebSocket::connect(at(path), by_ca(), call);
  }
  Error refused(const std::string& path) const {
    const auto web = open(path);
    REQUIRE_FALSE(web);
    CHECK_THAT(web.error().what, Catch::Matchers::StartsWith("web01: stream: "));
    return web.error();
  }
};

TEST_CASE("messages of every size go to a web socket and come back", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  WebSocketRequest request = server.at("/echo");
  request.limit = 200000;
  WebSocket web = WebSocket::connect(request, server.by_ca(), {}).value();
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 150000U}) {
    std::string sent(size, '\0');
    std::iota(sent.begin(), sent.end(), '\1');
    REQUIRE(web.send(sent, {}));
    const auto got = web.receive({}).value();
    REQUIRE(got);
    CHECK(*got == sent);
  }
  REQUIRE(web.send("one", {}));
  REQUIRE(web.send("two", {}));
  CHECK(web.receive({}).value() == "one");
  CHECK(web.receive({}).value() == "two");
  CHECK(web.close({}));
  CHECK(web.send("late", {}).error().code == Errc::unavailable);
}

TEST_CASE("fragments are joined, and a ping between them is answered", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  WebSocket web = server.open("/pieces").value();
  CHECK(web.receive({}).value() == "abcd");
  CHECK(web.receive({}).value() == "8a hello");
  CHECK(web.close({}));
}

TEST_CASE("what comes with the answer's own bytes is not lost", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  WebSocket web = server.open("/early").value();
  CHECK(web.receive({}).value() == "first");
  CHECK_FALSE(web.receive({}).value().has_value());
  CHECK_FALSE(web.receive({}).value().has_value());
}

TEST_CASE("a web socket trusts as a request does, and tells no secret", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  WebSocketRequest request = server.at("/secret?ticket=hemmelig");
  request.url.replace(request.url.find('?'), std::string::npos, "");
  request.secret_headers.emplace_back("Authorization", Secret(std::string("token hemmelig")));
  WebSocket web = WebSocket::connect(request, {"", server.fingerprint}, {}).value();
  CHECK(web.receive({}).value() == "token hemmelig");
  std::string other = server.fingerprint;
  other.front() = other.front() == '0' ? '1' : '0';
  for (const HttpTrust& trust : {HttpTrust{}, HttpTrust{"", other}}) {
    const auto denied = WebSocket::connect(request, trust, {});
    REQUIRE_FALSE(denied);
    CHECK(denied.error().code == Errc::denied);
    CHECK_FALSE(denied.error().seen.empty());
    CHECK_FALSE(denied.error().remedy.empty());
  }
  CHECK(WebSocket::connect(request, {"", "12"}, {}).error().code == Errc::invalid);
  request.secret_headers.emplace_back("X-A", Secret(std::string("hemmelig\r\nX-B: y")));
  const auto broken = WebSocket::connect(request, server.by_ca(), {});
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Errc::invalid);
  CHECK(broken.error().what.find("hemmelig") == std::string::npos);
}

TEST_CASE("a server that opens no web socket is told apart", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  const Error denied = server.refused("/refused");
  CHECK(denied.code == Errc::denied);
  CHECK(denied.seen == "HTTP status 401 no such ticket");
  CHECK(server.refused("/plain").code == Errc::unsupported);
  CHECK(server.refused("/busy").code == Errc::unavailable);
  for (const char* path : {"/rubbish", "/half", "/endless", "/accept", "/other", "/packed"}) {
    INFO(path);
    CHECK(server.refused(path).code == Errc::corrupt);
  }
  WebSocketRequest nobody{.url = "http://127.0.0.1:1/x?ticket=hemmelig", .title = "stream"};
  const auto refused = WebSocket::connect(nobody, {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(refused.error().what.find("hemmelig") == std::string::npos);
}

TEST_CASE("frames that no server may send end a web socket", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  const std::vector<std::pair<const char*, Errc>> wrong{
      {"/masked", Errc::corrupt}, {"/reserved", Errc::corrupt}, {"/large", Errc::invalid},
      {"/larger", Errc::invalid}, {"/huge", Errc::invalid},     {"/cut", Errc::unavailable}};
  for (const auto& [path, code] : wrong) {
    INFO(path);
    WebSocket web = server.open(path).value();
    const auto got = web.receive({});
    REQUIRE_FALSE(got);
    CHECK(got.error().code == code);
    CHECK_THAT(got.error().what, Catch::Matchers::StartsWith("web01: stream: "));
  }
}

TEST_CASE("a web socket stops on demand and at its deadline", "[websocket]") {
  if (!can_serve()) FLYT_SKIP("needs python3 and openssl");
  const Server server;
  CHECK(server.open("/never", Call{}.within(300ms)).error().code == Errc::timed_out);
  WebSocket web = server.open("/echo").value();
  CHECK(web.receive(Call{}.within(50ms)).error().code == Errc::timed_out);
  std::stop_source source;
  source.request_stop();
  CHECK(web.receive({source.get_token()}).error().code == Errc::cancelled);
  CHECK(web.send("x", {source.get_token()}).error().code == Errc::cancelled);
  WebSocket deaf = server.open("/deaf").value();
  const std::string much(64U << 20U, 'x');  // more than what lies on the way
  CHECK(deaf.send(much, Call{}.within(300ms)).error().code == Errc::timed_out);
}

FrameReader reader_of(std::string_view bytes) {
  FrameReader reader(1000);
  reader.add(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return reader;
}

TEST_CASE("frames are read as RFC 6455 writes them", "[websocket]") {
  using namespace std::string_view_literals;
  // Its section 5.7.
  FrameReader hello = reader_of("\x81\x05Hello"sv);
  CHECK(hello.next().value()->payload == "Hello");
  CHECK_FALSE(hello.next().value().has_value());
  CHECK(client_frame(FrameKind::text, std::as_bytes(std::span("Hello", 5)),
                     {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}}) ==
        "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"sv);
  for (const std::string_view wrong :
       {"\x80\x01x"sv,           // goes on with nothing
        "\x01\x01x\x01\x01x"sv,  // begins twice
        "\x09\x01x"sv,           // half a ping
        "\x89\x7e\x00\x7e"sv,    // a long ping
        "\x82\x7e\x00\x7d"sv,    // a length in too many bytes
        "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"sv, "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"sv,
        "\x83\x00"sv, "\x8b\x00"sv,  // no such operation
        "\x88\x01\x03"sv}) {
    FrameReader reader = reader_of(wrong);
    const auto message = reader.next();
    REQUIRE_FALSE(message);
    CHECK(message.error().code == Errc::corrupt);
    CHECK(reader.next().error().code == Errc::corrupt);
  }
}

}  // namespace
}  // namespace flyt
