#include "drivers/proxmox/multipart.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/identity.hpp"
#include "base/poll.hpp"

namespace flyt::proxmox {
namespace {

constexpr std::size_t largest_piece = std::size_t{256} << 10;  // taken from the rate at once

std::string field(const std::string& boundary, std::string_view name, std::string_view value) {
  return fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary,
                     name, value);
}

std::size_t take(std::string_view text, std::uint64_t from, std::span<std::byte> to) {
  const std::size_t count = std::min<std::size_t>(text.size() - from, to.size());
  std::memcpy(to.data(), text.data() + from, count);
  return count;
}

}  // namespace

MultipartBody::MultipartBody(const FileToSend& file, FileDescriptor from, std::string boundary)
    : file_(&file), from_(std::move(from)), boundary_(std::move(boundary)) {
  head_ = field(boundary_, "content", "import") + field(boundary_, "checksum-algorithm", "sha256") +
          field(boundary_, "checksum", file.sha256) +
          fmt::format(
              "--{}\r\nContent-Disposition: form-data; name=\"filename\"; "
              "filename=\"{}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
              boundary_, file.name);
  tail_ = fmt::format("\r\n--{}--\r\n", boundary_);
}

Result<MultipartBody> MultipartBody::open(const FileToSend& file) {
  FileDescriptor from(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found {};
  if (!from || ::fstat(from.get(), &found) != 0) {
    return system_error(fmt::format("opening {}", file.path.native()), errno);
  }
  if (static_cast<std::uint64_t>(found.st_size) != file.bytes) {
    return Error{Errc::unavailable, fmt::format("{} was changed meanwhile", file.path.native()),
                 fmt::format("{} bytes, not {}", found.st_size, file.bytes)};
  }
  return MultipartBody(file, std::move(from), "flyt-" + random_uuid());
}

// The server takes no quotes around the boundary.
std::string MultipartBody::type() const { return "multipart/form-data; boundary=" + boundary_; }

std::uint64_t MultipartBody::size() const { return head_.size() + file_->bytes + tail_.size(); }

Status MultipartBody::rewind() {
  at_ = 0;
  if (::lseek(from_.get(), 0, SEEK_SET) == 0) return ok();
  return system_error(fmt::format("reading {}", file_->path.native()), errno);
}

Result<std::size_t> MultipartBody::read_file(std::span<std::byte> to, const Call& call) {
  const std::uint64_t left = head_.size() + file_->bytes - at_;
  to = to.first(std::min<std::uint64_t>({to.size(), left, largest_piece}));
  const std::string what = fmt::format("sending {}", file_->name);
  if (file_->rate) {
    const auto pause = file_->rate->take(to.size(), std::chrono::steady_clock::now());
    // Its moment comes, or a stop, or the deadline.
    if (pause.count() > 0) (void)poll({}, call.within(pause), what);
    FLYT_TRY(proceed(call, what));
  }
  for (;;) {
    const ssize_t got = ::read(from_.get(), to.data(), to.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(fmt::format("reading {}", file_->path.native()), errno);
    if (got == 0) {
      return Error{Errc::unavailable, fmt::format("{} was cut meanwhile", file_->path.native())};
    }
    if (file_->sent) file_->sent(static_cast<std::uint64_t>(got));
    return static_cast<std::size_t>(got);
  }
}

Result<std::size_t> MultipartBody::read(std::span<std::byte> to, const Call& call) {
  std::size_t got = 0;
  if (at_ < head_.size()) {
    got = take(head_, at_, to);
  } else if (at_ < head_.size() + file_->bytes) {
    FLYT_ASSIGN(got, read_file(to, call));
  } else {
    got = take(tail_, at_ - head_.size() - file_->bytes, to);
  }
  at_ += got;
  return got;
}

}  // namespace flyt::proxmox
