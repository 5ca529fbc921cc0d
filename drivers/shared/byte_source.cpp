#include "drivers/shared/byte_source.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace flyt {
namespace {

constexpr std::size_t piece = std::size_t{256} << 10;

Error ends_early(const ByteWindow& window, std::uint64_t offset, std::size_t length) {
  return {Errc::corrupt, fmt::format("{}: ends too early", window.name()),
          fmt::format("{} bytes at {} were wanted, it has {}", length, offset, window.size())};
}

bool inside(const ByteWindow& window, std::uint64_t offset, std::size_t length) {
  return offset <= window.size() && length <= window.size() - offset;
}

class FileWindow final : public ByteWindow {
 public:
  FileWindow(std::shared_ptr<const FileDescriptor> file, std::string name, std::uint64_t offset,
             std::uint64_t size)
      : file_(std::move(file)), name_(std::move(name)), offset_(offset), size_(size) {}

  const std::string& name() const override { return name_; }
  std::uint64_t size() const override { return size_; }

  Status read(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!inside(*this, offset, out.size())) return ends_early(*this, offset, out.size());
    const std::uint64_t start = offset;
    const std::size_t wanted = out.size();
    while (!out.empty()) {
      const ssize_t got =
          ::pread(file_->get(), out.data(), out.size(), static_cast<off_t>(offset_ + offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error(fmt::format("{}: cannot be read", name_), errno);
      if (got == 0) return ends_early(*this, start, wanted);  // it was cut meanwhile
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return ok();
  }

 private:
  std::shared_ptr<const FileDescriptor> file_;
  std::string name_;
  std::uint64_t offset_, size_;
};

class MemoryWindow final : public ByteWindow {
 public:
  MemoryWindow(std::string name, std::string content)
      : name_(std::move(name)), content_(std::move(content)) {}

  const std::string& name() const override { return name_; }
  std::uint64_t size() const override { return content_.size(); }

  Status read(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!inside(*this, offset, out.size())) return ends_early(*this, offset, out.size());
    if (!out.empty()) std::memcpy(out.data(), content_.data() + offset, out.size());
    return ok();
  }

 private:
  std::string name_, content_;
};

class WindowStream final : public ByteStream {
 public:
  explicit WindowStream(std::shared_ptr<const ByteWindow> window) : window_(std::move(window)) {}

  Result<std::size_t> read(std::span<std::byte> out, const Call& call) override {
    FLYT_TRY(proceed(call, window_->name()));
    const std::uint64_t left = window_->size() - at_;
    out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left)));
    FLYT_TRY(window_->read(at_, out));
    at_ += out.size();
    return out.size();
  }

 private:
  std::shared_ptr<const ByteWindow> window_;
  std::uint64_t at_ = 0;
};

class Gunzip final : public ByteStream {
 public:
  Gunzip(std::unique_ptr<ByteStream> source, std::string name)
      : source_(std::move(source)), name_(std::move(name)), input_(piece) {}
  ~Gunzip() override {
    if (ready_) inflateEnd(&zlib_);
  }

  Result<std::size_t> read(std::span<std::byte> out, const Call& call) override {
    if (failed_) return *failed_;
    auto got = unpack(out, call);
    if (!got && got.error().code == Errc::corrupt) failed_ = got.error();
    return got;
  }

 private:
  Result<std::size_t> unpack(std::span<std::byte> out, const Call& call) {
    FLYT_TRY(start());
    out = out.first(std::min<std::size_t>(out.size(), 1U << 30));  // zlib counts in 32 bits
    zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib_.avail_out = static_cast<uInt>(out.size());
    while (zlib_.avail_out == out.size()) {
      FLYT_ASSIGN(const bool more, refill(call));
      if (!more && !between_members_) return corrupt("the gzip stream ends too early");
      if (!more) return std::size_t{0};
      between_members_ = false;
      const int code = inflate(&zlib_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        between_members_ = true;
        inflateReset(&zlib_);
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return corrupt("this is no gzip data, or its checksum is wrong");
      }
    }
    return out.size() - zlib_.avail_out;
  }

  Status start() {
    if (ready_) return ok();
    if (inflateInit2(&zlib_, 16 + MAX_WBITS) != Z_OK) {  // 16: gzip only
      return Error{Errc::internal, name_ + ": zlib does not start"};
    }
    ready_ = true;
    return ok();
  }

  // False: nothing is left.
  Result<bool> refill(const Call& call) {
    if (zlib_.avail_in != 0) return true;
    FLYT_ASSIGN(const std::size_t got, source_->read(input_, call));
    zlib_.next_in = reinterpret_cast<Bytef*>(input_.data());
    zlib_.avail_in = static_cast<uInt>(got);
    return got != 0;
  }

  Error corrupt(std::string_view text) const {
    return {Errc::corrupt, fmt::format("{}: {}", name_, text), zlib_.msg ? zlib_.msg : ""};
  }

  std::unique_ptr<ByteStream> source_;
  std::string name_;
  std::vector<std::byte> input_;
  z_stream zlib_ = {};
  bool ready_ = false;
  bool between_members_ = false;  // an empty source is no gzip file
  std::optional<Error> failed_;
};

}  // namespace

std::shared_ptr<const ByteWindow> file_window(std::shared_ptr<const FileDescriptor> file,
                                              std::string name, std::uint64_t offset,
                                              std::uint64_t size) {
  return std::make_shared<FileWindow>(std::move(file), std::move(name), offset, size);
}

std::shared_ptr<const ByteWindow> memory_window(std::string name, std::string content) {
  return std::make_shared<MemoryWindow>(std::move(name), std::move(content));
}

std::unique_ptr<ByteStream> stream_of(std::shared_ptr<const ByteWindow> window) {
  return std::make_unique<WindowStream>(std::move(window));
}

std::unique_ptr<ByteStream> gunzip(std::unique_ptr<ByteStream> source, std::string name) {
  return std::make_unique<Gunzip>(std::move(source), std::move(name));
}

Result<std::size_t> read_fully(ByteStream& stream, std::span<std::byte> out, const Call& call) {
  std::size_t done = 0;
  while (done != out.size()) {
    FLYT_ASSIGN(const std::size_t got, stream.read(out.subspan(done), call));
    if (got == 0) break;
    done += got;
  }
  return done;
}

}  // namespace flyt
