// How the disk of a package is read: check_disk() and open_disk() of package_disk.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "base/nbd_server.hpp"
#include "base/units.hpp"
#include "drivers/ova/package_disk.hpp"
#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/vmdk_stream.hpp"

namespace flyt::ova {
namespace {

Error wrong_digest(const std::string& window, const ManifestEntry& entry,
                   const std::string& found) {
  return {Errc::corrupt,
          fmt::format("{}: not the file that the manifest lists", window),
          fmt::format("{} {} in the manifest, {} in fact", entry.algorithm, entry.digest, found),
          "the file was damaged or changed after the package was made",
          "the source was only read",
          {"copy or export the package again"}};
}

// Passes a file through and compares its digest when its end is reached.
class CheckedStream final : public ByteStream {
 public:
  CheckedStream(std::unique_ptr<ByteStream> source, std::string name, const ManifestEntry& entry)
      : source_(std::move(source)), name_(std::move(name)), entry_(entry), hasher_(*entry.kind) {}

  Result<std::size_t> read(std::span<std::byte> out, const Call& call) override {
    FLYT_ASSIGN(const std::size_t got, source_->read(out, call));
    if (got != 0) {
      hasher_.add(out.first(got));
      return got;
    }
    if (found_.empty()) found_ = hasher_.finish_hex();
    if (found_ != entry_.digest) return wrong_digest(name_, entry_, found_);
    return got;
  }

 private:
  std::unique_ptr<ByteStream> source_;
  std::string name_;
  ManifestEntry entry_;
  Hasher hasher_;
  std::string found_;
};

const ManifestEntry* checkable(const Package& package, const PackageDisk& disk) {
  const ManifestEntry* entry = package.listed(*disk.reference);
  return entry != nullptr && entry->kind ? entry : nullptr;
}

std::unique_ptr<ByteStream> checked_stream(const Package& package, const PackageDisk& disk) {
  const auto window = package.window(disk.file);
  std::unique_ptr<ByteStream> stream = stream_of(window);
  const ManifestEntry* entry = checkable(package, disk);
  if (entry == nullptr) return stream;
  return std::make_unique<CheckedStream>(std::move(stream), window->name(), *entry);
}

Status read_to_end(ByteStream& stream, const Call& call) {
  std::vector<std::byte> piece(static_cast<std::size_t>(mib));
  for (;;) {
    FLYT_ASSIGN(const std::size_t got, stream.read(piece, call));
    if (got == 0) return ok();
  }
}

// What a note says: this part of this file has this digest and, for a VMDK, sound tables.
std::string note_of(const PackageDisk& disk, const ManifestEntry* entry) {
  return fmt::format("flyt 2\n{} {} {}\n{} {}\n", to_string(disk.file.identity), disk.file.offset,
                     disk.file.size, entry == nullptr ? "none" : entry->algorithm,
                     entry == nullptr ? "none" : entry->digest);
}

// Its last answer, and close(), say when the file was changed meanwhile.
class StreamChannel : public Channel {
 public:
  StreamChannel(std::uint64_t size, std::optional<PackageFile> file, std::string what)
      : file_(std::move(file)), what_(std::move(what)) {
    info_.size_bytes = size;
  }
  const ChannelInfo& info() const override { return info_; }

  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call) override {
    FLYT_ASSIGN(const auto extent, piece(buffer, call));
    if (!extent) FLYT_TRY(check());
    return extent;
  }
  Status close(const Call&) override { return std::exchange(closed_, true) ? ok() : check(); }

 protected:
  const std::string& what() const { return what_; }

 private:
  virtual Result<std::optional<Extent>> piece(std::span<std::byte> buffer, const Call& call) = 0;
  Status check() const { return file_ ? check_unchanged(*file_, what_) : ok(); }

  ChannelInfo info_;
  std::optional<PackageFile> file_;
  std::string what_;
  bool closed_ = false;
};

class BlankChannel final : public StreamChannel {
 public:
  using StreamChannel::StreamChannel;

 private:
  Result<std::optional<Extent>> piece(std::span<std::byte>, const Call& call) override {
    FLYT_TRY(proceed(call, "a blank disk"));
    if (over_ || info().size_bytes == 0) return std::optional<Extent>();
    over_ = true;
    return std::optional(Extent{0, info().size_bytes, true});
  }

  bool over_ = false;
};

class VmdkChannel final : public StreamChannel {
 public:
  VmdkChannel(VmdkStream stream, const PackageFile& file, std::string what)
      : StreamChannel(stream.header().capacity, file, std::move(what)),
        stream_(std::move(stream)) {}

 private:
  Result<std::optional<Extent>> piece(std::span<std::byte> buffer, const Call& call) override {
    return stream_.next(buffer, call);
  }

  VmdkStream stream_;
};

class RawChannel final : public StreamChannel {
 public:
  RawChannel(std::unique_ptr<ByteStream> stream, const PackageDisk& disk, std::string what)
      : StreamChannel(disk.size_bytes, disk.file, std::move(what)), stream_(std::move(stream)) {}

 private:
  Result<std::optional<Extent>> piece(std::span<std::byte> buffer, const Call& call) override {
    const std::uint64_t left = info().size_bytes - at_;
    // One byte more than there should be shows that there is more.
    const auto wanted = buffer.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), std::max(left, one))));
    FLYT_ASSIGN(const std::size_t got, read_fully(*stream_, wanted, call));
    if (got > left || (got < wanted.size() && got < left)) {
      return Error{Errc::corrupt,
                   fmt::format("{}: the file unpacks to {} than the {} bytes that "
                               "the descriptor states",
                               what(), got > left ? "more" : "less", info().size_bytes)};
    }
    if (left == 0) return std::optional<Extent>();
    const std::uint64_t start = std::exchange(at_, at_ + got);
    return std::optional(Extent{start, got, false});
  }

  static constexpr std::uint64_t one = 1;
  std::unique_ptr<ByteStream> stream_;
  std::uint64_t at_ = 0;
};

// The disk where it lies in the package, without a copy of it. No locks: QEMU takes some even for
// reading, and other readers of the package must not be disturbed. By our handle and not by
// name, so that it is the file that was checked.
std::vector<std::string> server_of(const PackageDisk& disk) {
  const bool is_vmdk = disk.kind == PackageDisk::Kind::vmdk;
  std::string options = is_vmdk ? "driver=vmdk" : "";
  const auto add = [&options, is_vmdk](std::string_view option) {
    options += fmt::format("{}{}{}", options.empty() ? "" : ",", is_vmdk ? "file." : "", option);
  };
  add("driver=raw");
  add(fmt::format("offset={}", disk.file.offset));
  add(fmt::format("size={}", disk.file.size));
  add("file.driver=file");
  add("file.locking=off");
  add("file.filename=" + handle_path(disk.file));
  return {"qemu-nbd", "--read-only",           "--persistent", "--shared=16",
          "--socket", std::string(nbd_socket), "--image-opts", options};
}

Result<std::unique_ptr<Channel>> open_nbd(const PackageDisk& disk, const std::string& what,
                                          const Call& call) {
  NbdChannelSpec spec;
  spec.server.argv = server_of(disk);
  spec.server.what = what;
  spec.info.size_bytes = disk.size_bytes;
  spec.released = [file = disk.file, what] { return check_unchanged(file, what); };
  return open_nbd_channel(std::move(spec), call);
}

}  // namespace

Status check_disk(const Package& package, const PackageDisk& disk,
                  const std::filesystem::path& notes, const Call& call) {
  // A stream is compared as it passes.
  if (disk.kind == PackageDisk::Kind::blank || disk.gzip) return ok();
  const ManifestEntry* entry = checkable(package, disk);
  if (entry == nullptr && !disk.image) return ok();
  const std::string note = note_of(disk, entry);
  const std::filesystem::path path = notes / to_hex(sha256(note));
  if (!notes.empty() && read_file(path, kib).value_or("") == note) return ok();
  if (disk.image) {
    FLYT_TRY(check_vmdk_tables(*package.window(disk.file), *disk.image, call));
  }
  if (entry != nullptr) FLYT_TRY(read_to_end(*checked_stream(package, disk), call));
  FLYT_TRY(check_unchanged(disk.file, package.name()));
  if (notes.empty()) return ok();
  FLYT_TRY(make_private_folder(notes));
  return write_durably(path, note, 0600);
}

Result<std::unique_ptr<Channel>> open_disk(const Package& package, const PackageDisk& disk,
                                           const std::string& what, const Call& call) {
  if (disk.kind == PackageDisk::Kind::blank) {
    return std::unique_ptr<Channel>(
        std::make_unique<BlankChannel>(disk.size_bytes, std::nullopt, what));
  }
  if (!disk.gzip) return open_nbd(disk, what, call);
  auto unpacked = gunzip(checked_stream(package, disk), what);
  if (disk.kind == PackageDisk::Kind::raw) {
    return std::unique_ptr<Channel>(std::make_unique<RawChannel>(std::move(unpacked), disk, what));
  }
  FLYT_ASSIGN(VmdkStream stream,
              VmdkStream::open(std::move(unpacked), {what, disk.size_bytes}, call));
  return std::unique_ptr<Channel>(
      std::make_unique<VmdkChannel>(std::move(stream), disk.file, what));
}

}  // namespace flyt::ova
