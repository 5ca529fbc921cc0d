#include "base/nbd_greeting.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>

#include "base/call.hpp"

namespace flyt {
namespace {

// The NBD protocol, doc/proto.md of the NetworkBlockDevice project. All numbers big endian.
constexpr std::uint64_t magic = 0x4e42444d41474943;         // "NBDMAGIC"
constexpr std::uint64_t option_magic = 0x49484156454f5054;  // "IHAVEOPT"
constexpr std::uint64_t reply_magic = 0x3e889045565a9;
constexpr std::uint32_t option_abort = 2, option_info = 6;
constexpr std::uint32_t reply_ack = 1, reply_info = 3, reply_error = 1U << 31U;
constexpr std::uint16_t info_export = 0, fixed_newstyle = 1, flag_read_only = 2;
constexpr std::size_t longest_reply = 64 * 1024;

template <typename T>
void put(std::string& out, T value) {
  for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xffU);
  }
}

template <typename T>
T get(std::string_view from, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8U) | static_cast<unsigned char>(from[at + i]));
  }
  return value;
}

Error no_nbd(std::string_view why) {
  return {Errc::corrupt, "the server does not speak NBD", std::string(why)};
}

// Short turns, so that a stop is seen soon.
Status ready(int fd, short events, const Call& call) {
  for (;;) {
    FLYT_TRY(proceed(call, "waiting for the NBD server"));
    pollfd wanted{fd, events, 0};
    const int count = ::poll(&wanted, 1, 50);
    if (count > 0) return ok();
    if (count < 0 && errno != EINTR) return system_error("waiting for the NBD server", errno);
  }
}

Status send_all(int fd, std::string_view text, const Call& call) {
  while (!text.empty()) {
    FLYT_TRY(ready(fd, POLLOUT, call));
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return system_error("talking to the NBD server", errno);
    }
  }
  return ok();
}

Result<std::string> receive(int fd, std::size_t size, const Call& call) {
  std::string text(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    FLYT_TRY(ready(fd, POLLIN, call));
    const ssize_t got = ::recv(fd, text.data() + at, size - at, MSG_DONTWAIT);
    if (got > 0) {
      at += static_cast<std::size_t>(got);
    } else if (got == 0) {
      return Error{Errc::unavailable, "the NBD server hung up"};
    } else if (errno != EAGAIN && errno != EINTR) {
      return system_error("listening to the NBD server", errno);
    }
  }
  return text;
}

std::string option(std::uint32_t which, std::string_view data) {
  std::string text;
  put(text, option_magic);
  put(text, which);
  put(text, static_cast<std::uint32_t>(data.size()));
  text += data;
  return text;
}

// Replies to NBD_OPT_INFO until the acknowledgement.
Result<NbdExport> read_replies(int fd, const Call& call) {
  std::optional<NbdExport> found;
  for (;;) {
    FLYT_ASSIGN(const std::string head, receive(fd, 20, call));
    if (get<std::uint64_t>(head, 0) != reply_magic) return no_nbd("a reply without its magic");
    const auto kind = get<std::uint32_t>(head, 12);
    const auto size = get<std::uint32_t>(head, 16);
    if (size > longest_reply) return no_nbd(fmt::format("a reply of {} bytes", size));
    FLYT_ASSIGN(const std::string data, receive(fd, size, call));
    if ((kind & reply_error) != 0) {
      return Error{Errc::unavailable, "the NBD server refuses the export", data};
    }
    if (kind == reply_ack) break;
    if (kind == reply_info && size >= 12 && get<std::uint16_t>(data, 0) == info_export) {
      const bool read_only = (get<std::uint16_t>(data, 10) & flag_read_only) != 0;
      found = NbdExport{get<std::uint64_t>(data, 2), read_only};
    }
  }
  if (!found) return no_nbd("it does not tell the size of the export");
  return *found;
}

}  // namespace

Result<std::optional<FileDescriptor>> connect_unix(const std::filesystem::path& socket) {
  const std::string& path = socket.native();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error{Errc::invalid, fmt::format("the path of a socket is too long: {}", path)};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  FileDescriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection) return system_error("making a socket", errno);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(connection.get(), generic, sizeof(address)) == 0) {
    return std::optional<FileDescriptor>(std::move(connection));
  }
  if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<FileDescriptor>();
  return system_error(fmt::format("connecting to {}", path), errno);
}

Result<NbdExport> ask_export(const FileDescriptor& connection, const Call& call) {
  const int fd = connection.get();
  FLYT_ASSIGN(const std::string greeting, receive(fd, 18, call));
  if (get<std::uint64_t>(greeting, 0) != magic) return no_nbd("no NBD greeting");
  if (get<std::uint64_t>(greeting, 8) != option_magic ||
      (get<std::uint16_t>(greeting, 16) & fixed_newstyle) == 0) {
    return no_nbd("only the old style of negotiation");
  }
  std::string hello;
  put(hello, std::uint32_t{fixed_newstyle});
  hello += option(option_info, std::string(6, '\0'));  // the default export, no further questions
  FLYT_TRY(send_all(fd, hello, call));
  FLYT_ASSIGN(const NbdExport found, read_replies(fd, call));
  FLYT_TRY(send_all(fd, option(option_abort, {}), call));
  return found;
}

}  // namespace flyt
