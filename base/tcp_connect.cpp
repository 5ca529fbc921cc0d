#include "base/tcp_connect.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/poll.hpp"

namespace flyt {
namespace {

Error refused(const std::string& what, int number) {
  return {Errc::unavailable, what, std::system_category().message(number)};
}

Result<FileDescriptor> connect_to(const addrinfo& address, const std::string& what,
                                  const Call& call) {
  FileDescriptor socket(::socket(
      address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (!socket) return refused(what, errno);
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  if (errno != EINPROGRESS) return refused(what, errno);
  std::array watched{pollfd{.fd = socket.get(), .events = POLLOUT, .revents = 0}};
  FLYT_TRY(poll(watched, call, what));
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) return refused(what, error);
  return socket;
}

}  // namespace

Result<FileDescriptor> tcp_connect(const std::string& host, const std::string& port,
                                   const Call& call) {
  const std::string what = fmt::format("connecting to port {} of {}", port, host);
  FLYT_TRY(proceed(call, what));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (code != 0) return Error{Errc::not_found, what, ::gai_strerror(code)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  Result<FileDescriptor> connected = Error{Errc::not_found, what, "no address"};
  for (const addrinfo* one = list; one != nullptr && !connected; one = one->ai_next) {
    connected = connect_to(*one, what, call);
  }
  return connected;
}

}  // namespace flyt
