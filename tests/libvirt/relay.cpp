#include "tests/libvirt/relay.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/nbd_greeting.hpp"
#include "tests/catch.hpp"

namespace flyt::tests {
namespace {

constexpr std::size_t header_bytes = 28;
constexpr std::uint32_t keepalive_program = 0x6b656570;
constexpr std::uint32_t call_type = 0, reply_type = 1;

// Big endian, the `index`-th of a message: its length, program, version, procedure, type ...
std::uint32_t word(std::string_view message, std::size_t index) {
  std::uint32_t value = 0;
  for (const char c : message.substr(index * 4, 4)) {
    value = value << 8U | static_cast<unsigned char>(c);
  }
  return value;
}

bool is_of(std::string_view message, std::uint32_t type) {
  return word(message, 1) != keepalive_program && word(message, 4) == type;
}

bool send_all(const FileDescriptor& to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

Relay::Relay(const std::string& daemon, const std::filesystem::path& folder)
    : socket_(folder / "relay"),
      uri_(daemon.substr(0, daemon.find("socket=") + 7) + socket_.native()),
      daemon_(daemon.substr(daemon.find("socket=") + 7)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket_.native().size() < sizeof address.sun_path);
  socket_.native().copy(address.sun_path, sizeof address.sun_path);
  REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener_.get(), 8) == 0);
  thread_ = std::thread([this] { serve(); });
}

Relay::~Relay() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // cannot fail: it counts to 2^64
  thread_.join();
}

std::size_t Relay::answers() const {
  const std::lock_guard lock(mutex_);
  return answers_;
}

void Relay::lose_answer(std::size_t number, std::function<void()> then) {
  const std::lock_guard lock(mutex_);
  lost_ = Way::answer;
  left_ = number;
  then_ = std::move(then);
}

void Relay::lose_request(std::size_t number, std::function<void()> then) {
  const std::lock_guard lock(mutex_);
  lost_ = Way::request;
  left_ = number;
  then_ = std::move(then);
}

void Relay::keep_answers() {
  const std::lock_guard lock(mutex_);
  keeps_ = true;
}

void Relay::serve() {
  for (;;) {
    std::vector<pollfd> looks{{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    std::vector<std::pair<int, Way>> whose;
    for (const auto& [key, peer] : peers_) {
      looks.push_back({peer.client.get(), POLLIN, 0});
      whose.emplace_back(key, Way::request);
      looks.push_back({peer.daemon.get(), POLLIN, 0});
      whose.emplace_back(key, Way::answer);
    }
    if (::poll(looks.data(), looks.size(), -1) < 0) continue;  // a signal
    if (looks[0].revents != 0) return;
    if (looks[1].revents != 0) accept();
    for (std::size_t i = 0; i < whose.size(); ++i) {
      const auto peer = peers_.find(whose[i].first);
      if (looks[i + 2].revents == 0 || peer == peers_.end()) continue;
      if (!pass_on(peer->second, whose[i].second)) peers_.erase(peer);
    }
  }
}

void Relay::accept() {
  FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  auto daemon = connect_unix(daemon_);
  if (client.get() < 0 || !daemon || !*daemon) return;  // the client is hung up on
  const int key = client.get();
  peers_.emplace(key, Peer{std::move(client), **std::move(daemon), "", ""});
}

bool Relay::pass_on(Peer& peer, Way way) {
  std::array<char, 65536> piece{};
  const FileDescriptor& from = way == Way::request ? peer.client : peer.daemon;
  std::string& text = way == Way::request ? peer.from_client : peer.from_daemon;
  const ssize_t got = ::recv(from.get(), piece.data(), piece.size(), 0);
  if (got <= 0) return false;
  text.append(piece.data(), static_cast<std::size_t>(got));
  while (text.size() >= header_bytes && text.size() >= word(text, 0)) {
    const std::string message = text.substr(0, word(text, 0));
    text.erase(0, message.size());
    if (!pass_message(peer, way, message)) return false;
  }
  return true;
}

bool Relay::pass_message(Peer& peer, Way way, std::string_view message) {
  const bool counts = is_of(message, way == Way::request ? call_type : reply_type);
  if (way == Way::request) {
    return send_all(peer.daemon, message) && !(counts && is_due(way));
  }
  if (!counts) return send_all(peer.client, message);
  if (is_due(way)) return false;
  const std::lock_guard lock(mutex_);
  ++answers_;
  return keeps_ || send_all(peer.client, message);
}

bool Relay::is_due(Way way) {
  std::function<void()> then;
  {
    const std::lock_guard lock(mutex_);
    if (way != lost_ || left_ == 0 || --left_ != 0) return false;
    then = std::move(then_);
  }
  if (then) then();
  return true;
}

}  // namespace flyt::tests
