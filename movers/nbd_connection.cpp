#include "movers/nbd_connection.hpp"

#include <fmt/format.h>
#include <libnbd.h>
#include <poll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "movers/block.hpp"

namespace flyt::movers {

namespace {

const char* name(Side side) { return side == Side::source ? "source" : "target"; }

constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t to) {
  return value & ~(to - 1);
}
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t to) {
  return align_down(value + to - 1, to);
}

// One poll() at most so long: a stop is seen soon.
constexpr int poll_ms = 50;
constexpr int leave_polls = 10;

struct MapRequest {
  ExtentList* data;
  Range range;       // wanted
  std::uint64_t at;  // answered up to here
};

int add_extents(void* user, const char* context, std::uint64_t offset, std::uint32_t* entries,
                std::size_t count, int*) {
  auto* map = static_cast<MapRequest*>(user);
  if (std::strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0) return 0;
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    const std::uint64_t end = offset + entries[i];
    if ((entries[i + 1] & LIBNBD_STATE_ZERO) == 0) {
      map->data->add({std::max(offset, map->range.begin), std::min(end, map->range.end)});
    }
    offset = end;
  }
  map->at = std::max(map->at, offset);
  return 0;
}

Errc classify(int number) {
  switch (number) {
    case EPERM:
    case EACCES:
    case EROFS:
      return Errc::denied;
    case EINVAL:
    case EOVERFLOW:
    case ERANGE:
      return Errc::invalid;
    case ENOTSUP:
      return Errc::unsupported;
    default:
      return Errc::unavailable;
  }
}

}  // namespace

// Lives from post_*() until libnbd frees the callback.
struct NbdConnection::Request {
  NbdConnection* connection;
  std::uint64_t tag;

  nbd_completion_callback callback() {
    return {[](void* user, int* error) {
              auto* request = static_cast<Request*>(user);
              request->connection->done_.push_back({request->tag, *error});
              return 1;  // retires the request
            },
            this, [](void* user) { delete static_cast<Request*>(user); }};
  }
};

Result<std::unique_ptr<NbdConnection>> NbdConnection::connect(const std::string& uri, Side side,
                                                              const Call& call) {
  nbd_handle* handle = nbd_create();
  if (handle == nullptr) return Error{Errc::internal, "cannot make an NBD handle", nbd_get_error()};
  std::unique_ptr<NbdConnection> connection(new NbdConnection(handle, side));
  FLYT_TRY(connection->negotiate(uri, call));
  FLYT_TRY(connection->ask());
  return connection;
}

NbdConnection::~NbdConnection() {
  // A server that owes an answer is not waited for; any other not for long: it may have stopped.
  const bool polite = !abandoned_ && nbd_aio_in_flight(handle_) == 0;
  if (polite && nbd_aio_is_ready(handle_) == 1 && nbd_aio_disconnect(handle_, 0) == 0) {
    for (int polls = 0; polls < leave_polls && !dead(); ++polls) {
      pollfd one{fd(), events(), 0};
      if (poll(&one, 1, poll_ms) > 0) notify(one.revents);
    }
  }
  nbd_close(handle_);
}

Status NbdConnection::negotiate(const std::string& uri, const Call& call) {
  nbd_add_meta_context(handle_, LIBNBD_CONTEXT_BASE_ALLOCATION);
  nbd_set_pread_initialize(handle_, false);
  const auto refused = [&] {
    const std::string seen = nbd_get_error() == nullptr ? "" : nbd_get_error();
    return Error{Errc::unavailable,
                 fmt::format("cannot connect to the {}'s NBD server", name(side_)), seen,
                 "the server has ended, or serves no more connections"};
  };
  if (nbd_aio_connect_uri(handle_, uri.c_str()) != 0) return refused();
  while (nbd_aio_is_ready(handle_) != 1) {
    FLYT_TRY(proceed(call, "connecting to an NBD server"));
    if (dead()) return refused();
    pollfd one{fd(), events(), 0};
    if (poll(&one, 1, poll_ms) > 0) notify(one.revents);
    if (dead()) return refused();
  }
  return ok();
}

Status NbdConnection::ask() {
  const std::int64_t size = nbd_get_size(handle_);
  if (size < 0) return error(nbd_get_errno(), "ask for the size");
  server_.size = static_cast<std::uint64_t>(size);
  const auto flag = [](int answer) { return answer == 1; };
  server_.can_zero = flag(nbd_can_zero(handle_));
  server_.can_flush = flag(nbd_can_flush(handle_));
  server_.can_multi_conn = flag(nbd_can_multi_conn(handle_));
  server_.read_only = flag(nbd_is_read_only(handle_));
  server_.maps = flag(nbd_can_meta_context(handle_, LIBNBD_CONTEXT_BASE_ALLOCATION));
  const std::int64_t least = nbd_get_block_size(handle_, LIBNBD_SIZE_MINIMUM);
  const std::int64_t most = nbd_get_block_size(handle_, LIBNBD_SIZE_MAXIMUM);
  if (least > 1) server_.min_request = static_cast<std::uint64_t>(least);
  if (most > 0)
    server_.max_request = std::min(static_cast<std::uint64_t>(most), server_.max_request);
  server_.max_request = align_down(server_.max_request, server_.min_request);
  if (!std::has_single_bit(server_.min_request) || server_.min_request > block_bytes ||
      server_.max_request == 0) {
    return Error{Errc::unsupported,
                 fmt::format("the {}'s NBD server wants requests of {} to {} bytes", name(side_),
                             least, most)};
  }
  return ok();
}

int NbdConnection::fd() const { return nbd_aio_get_fd(handle_); }

short NbdConnection::events() const {
  const unsigned direction = nbd_aio_get_direction(handle_);
  int events = 0;
  if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0) events |= POLLIN;
  if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) events |= POLLOUT;
  return static_cast<short>(events);
}

void NbdConnection::notify(short revents) {
  // What fails here fails the requests that are out; their callbacks have the error.
  const unsigned direction = nbd_aio_get_direction(handle_);
  const bool broken = (revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0 && ((revents & POLLIN) != 0 || broken)) {
    nbd_aio_notify_read(handle_);
  } else if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 &&
             ((revents & POLLOUT) != 0 || broken)) {
    nbd_aio_notify_write(handle_);
  }
}

bool NbdConnection::dead() const {
  return nbd_aio_is_dead(handle_) == 1 || nbd_aio_is_closed(handle_) == 1;
}

Error NbdConnection::error(int number, std::string_view doing) const {
  if (number == 0) number = ENOTCONN;
  Error error{classify(number), fmt::format("the {} cannot {}", name(side_), doing),
              fmt::format("NBD server: {}", std::strerror(number))};
  if (number == ENOTCONN || number == ESHUTDOWN || number == ECONNRESET || number == EPIPE) {
    error.why = "the server ended or the connection broke";
  } else if (number == ENOSPC || number == EDQUOT) {
    error.why = "its storage is full";
    error.remedy = {"free space on the target's storage, then run the same command again"};
  } else if (number == EIO) {
    error.why = "its storage reports a failure";
  }
  return error;
}

void NbdConnection::posted(std::int64_t cookie, std::uint64_t tag) {
  if (cookie >= 0) return;
  // libnbd takes a request for a server that is gone for a wrong call: EINVAL.
  const int number = dead() ? ENOTCONN : nbd_get_errno();
  done_.push_back({tag, number == 0 ? ENOTCONN : number});
}

bool NbdConnection::abandoned(std::uint64_t tag) {
  if (abandoned_) done_.push_back({tag, ENOTCONN});
  return abandoned_;
}

void NbdConnection::post_read(std::uint64_t offset, std::span<std::byte> data, std::uint64_t tag) {
  if (abandoned(tag)) return;
  auto* request = new Request{this, tag};
  posted(nbd_aio_pread(handle_, data.data(), data.size(), offset, request->callback(), 0), tag);
}

void NbdConnection::post_write(std::uint64_t offset, std::span<const std::byte> data,
                               std::uint64_t tag) {
  if (abandoned(tag)) return;
  auto* request = new Request{this, tag};
  posted(nbd_aio_pwrite(handle_, data.data(), data.size(), offset, request->callback(), 0), tag);
}

void NbdConnection::post_zero(std::uint64_t offset, std::uint64_t length, std::uint64_t tag) {
  if (abandoned(tag)) return;
  auto* request = new Request{this, tag};
  posted(nbd_aio_zero(handle_, length, offset, request->callback(), 0), tag);
}

void NbdConnection::post_flush(std::uint64_t tag) {
  if (abandoned(tag)) return;
  auto* request = new Request{this, tag};
  posted(nbd_aio_flush(handle_, request->callback(), 0), tag);
}

// Until one more request is in done_, which it takes out.
Status NbdConnection::wait_for(const char* doing, const Call& call) {
  while (done_.empty()) {
    Status may = proceed(call, doing);
    if (may && dead()) may = error(ENOTCONN, doing);
    if (!may) {
      abandoned_ = true;  // a late answer would meet a buffer that is gone
      return may;
    }
    pollfd one{fd(), events(), 0};
    if (poll(&one, 1, poll_ms) > 0) notify(one.revents);
  }
  const Done done = done_.front();
  done_.erase(done_.begin());
  return done.error == 0 ? ok() : Status(error(done.error, doing));
}

Status NbdConnection::read(std::uint64_t offset, std::span<std::byte> data, const Call& call) {
  std::vector<std::byte> edge;
  while (!data.empty()) {
    const std::uint64_t begin = align_down(offset, server_.min_request);
    const std::uint64_t end = std::min({align_up(offset + data.size(), server_.min_request),
                                        begin + server_.max_request, server_.size});
    if (end <= offset) return error(ERANGE, "read behind its end");
    const auto part = data.first(std::min<std::uint64_t>(data.size(), end - offset));
    if (begin == offset && end == offset + part.size()) {
      post_read(offset, part, 0);
      FLYT_TRY(wait_for("read", call));
    } else {
      edge.resize(end - begin);
      post_read(begin, edge, 0);
      FLYT_TRY(wait_for("read", call));
      std::memcpy(part.data(), edge.data() + (offset - begin), part.size());
    }
    offset += part.size();
    data = data.subspan(part.size());
  }
  return ok();
}

Status NbdConnection::write(std::uint64_t offset, std::span<const std::byte> data,
                            const Call& call) {
  while (!data.empty()) {
    const auto part = data.first(std::min<std::uint64_t>(data.size(), server_.max_request));
    post_write(offset, part, 0);
    FLYT_TRY(wait_for("write", call));
    offset += part.size();
    data = data.subspan(part.size());
  }
  return ok();
}

Status NbdConnection::zero(std::uint64_t offset, std::uint64_t length, const Call& call) {
  while (length > 0) {
    if (!server_.can_zero) {
      const auto part = zero_block().first(std::min(length, block_bytes));
      FLYT_TRY(write(offset, part, call));
      offset += part.size();
      length -= part.size();
      continue;
    }
    const std::uint64_t part = std::min(length, std::uint64_t{1} << 30);
    post_zero(offset, part, 0);
    FLYT_TRY(wait_for("write zeroes", call));
    offset += part;
    length -= part;
  }
  return ok();
}

Status NbdConnection::flush(const Call& call) {
  post_flush(0);
  return wait_for("flush", call);
}

Status NbdConnection::map(Range range, ExtentList& data, const Call& call) {
  if (!server_.maps) {
    data.add(range);
    return ok();
  }
  constexpr std::uint64_t page = std::uint64_t{2} << 30;
  MapRequest map{&data, range, align_down(range.begin, server_.min_request)};
  while (map.at < range.end) {
    const std::uint64_t before = map.at;
    const std::uint64_t end =
        std::min({align_up(range.end, server_.min_request), before + page, server_.size});
    if (abandoned_) return error(ENOTCONN, "say what is allocated");
    auto* request = new Request{this, 0};
    posted(nbd_aio_block_status(handle_, end - before, before, {add_extents, &map, nullptr},
                                request->callback(), 0),
           0);
    FLYT_TRY(wait_for("say what is allocated", call));
    if (map.at == before) {
      return Error{Errc::corrupt,
                   fmt::format("the {} does not say what is allocated at {}", name(side_), before)};
    }
  }
  return ok();
}

}  // namespace flyt::movers
