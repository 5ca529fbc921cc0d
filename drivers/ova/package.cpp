#include "drivers/ova/package.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "base/digest.hpp"
#include "base/units.hpp"
#include "base/uri.hpp"
#include "drivers/shared/byte_source.hpp"

namespace flyt::ova {
namespace {

constexpr std::uint64_t longest_text = 8 * mib;  // descriptor, manifest

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// `flags`: O_NOFOLLOW where the package, and not the user, chose the name.
Result<PackageFile> open_plain(const std::filesystem::path& path, const std::string& name,
                               int flags) {
  // O_NONBLOCK: a pipe must not hold us before we have seen that it is one.
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
  if (number < 0 && errno == ELOOP) {
    return Error{Errc::invalid, fmt::format("{} is a link, which flyt does not follow", name)};
  }
  if (number < 0) return system_error(fmt::format("{}: cannot be opened", name), errno);
  auto descriptor = std::make_shared<const FileDescriptor>(number);
  struct stat status = {};
  if (::fstat(number, &status) != 0) {
    return system_error(fmt::format("{}: cannot be looked at", name), errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{Errc::invalid, fmt::format("{} is no plain file", name)};
  }
  PackageFile file{name, path};
  file.size = static_cast<std::uint64_t>(status.st_size);
  file.identity = {status.st_dev, status.st_ino, file.size,
                   status.st_ctim.tv_sec * std::int64_t{1'000'000'000} + status.st_ctim.tv_nsec};
  file.descriptor = std::move(descriptor);
  return file;
}

Error wrong_digest(const std::string& package, const ManifestEntry& entry,
                   const std::string& found) {
  return {Errc::corrupt,
          fmt::format("{}: {} is not the file that the manifest lists", package, entry.file),
          fmt::format("{} {} in the manifest, {} in fact", entry.algorithm, entry.digest, found),
          "the file was damaged or changed after the package was made",
          "nothing was changed",
          {"copy or export the package again"}};
}

}  // namespace

std::string to_string(const FileIdentity& identity) {
  return fmt::format("{}:{}:{}:{}", identity.device, identity.inode, identity.size,
                     identity.changed_ns);
}

std::string handle_path(const PackageFile& file) {
  return fmt::format("/proc/{}/fd/{}", ::getpid(), file.descriptor->get());
}

Status check_unchanged(const PackageFile& file, std::string_view what) {
  // Opened anew: a network file system asks its server then, and not for an fstat(2).
  FLYT_ASSIGN(const PackageFile now,
              within(std::string(what), open_plain(handle_path(file), file.name, 0)));
  if (now.identity == file.identity) return ok();
  return Error{Errc::corrupt,
               fmt::format("{}: {} was changed while it was read", what, file.name),
               fmt::format("{} has {} bytes now, {} before", file.path.string(), now.identity.size,
                           file.identity.size),
               "another program wrote, moved or removed the package",
               "the source was only read",
               {"see that the package is complete and left alone, then try again"}};
}

Result<Package> Package::open(const std::filesystem::path& path, std::string name,
                              const Call& call) {
  FLYT_TRY(proceed(call, name));
  Package package;
  package.name_ = std::move(name);
  package.path_ = path;
  package.is_tar_ = ends_with(path.native(), ".ova");
  FLYT_ASSIGN(package.opened_, open_plain(path, package.name_, 0));
  // What belongs to a descriptor stands beside it, not beside a link to it.
  std::error_code unresolved;
  const auto target = std::filesystem::canonical(path, unresolved);
  if (!package.is_tar_ && !unresolved) package.path_ = target;
  FLYT_TRY(package.load(call));
  return package;
}

Status Package::load(const Call& call) {
  if (is_tar_) {
    FLYT_ASSIGN(members_,
                index_tar(*file_window(opened_.descriptor, name_, 0, opened_.size), call));
  }
  FLYT_ASSIGN(const std::string descriptor, find_descriptor());
  if (const auto slash = descriptor.rfind('/'); slash != std::string::npos) {
    folder_ = descriptor.substr(0, slash + 1);
  }
  descriptor_ = descriptor.substr(folder_.size());
  FLYT_ASSIGN(const auto text, text_of(descriptor));
  if (!text) return Error{Errc::not_found, fmt::format("{}: {} is gone", name_, descriptor)};
  descriptor_digest_ = to_hex(sha256(*text));
  FLYT_TRY(load_manifest(descriptor.substr(0, descriptor.size() - 4), *text));
  const std::string what = is_tar_ ? fmt::format("{}: {}", name_, descriptor) : name_;
  FLYT_ASSIGN(ovf_, parse_ovf(*text, what));
  if (ovf_.encrypted) {
    return Error{Errc::unsupported, fmt::format("{}: the package is encrypted", name_)};
  }
  return ok();
}

Result<std::string> Package::find_descriptor() const {
  if (!is_tar_) return path_.filename().string();
  std::vector<std::string> found;
  for (const TarMember& member : members_) {
    if (ends_with(member.name, ".ovf")) found.push_back(member.name);
  }
  if (found.size() == 1) return found.front();
  return Error{
      Errc::invalid,
      fmt::format("{}: {} OVF descriptors in the package, there must be one", name_, found.size())};
}

Status Package::load_manifest(const std::string& stem, std::string_view text) {
  FLYT_ASSIGN(const auto certificate, find(stem + ".cert"));
  has_certificate_ = certificate.has_value();
  const std::string manifest = stem + ".mf";
  FLYT_ASSIGN(const auto lines, text_of(manifest));
  has_manifest_ = lines.has_value();
  if (!has_manifest_) return ok();
  FLYT_ASSIGN(manifest_, within(fmt::format("{}: {}", name_, manifest), parse_manifest(*lines)));
  const ManifestEntry* entry = find_entry(manifest_, descriptor_);
  if (entry == nullptr || !entry->kind) return ok();
  Hasher hasher(*entry->kind);
  hasher.add(text);
  const std::string found = hasher.finish_hex();
  return found == entry->digest ? ok() : Status(wrong_digest(name_, *entry, found));
}

Result<std::optional<PackageFile>> Package::find(const std::string& member) const {
  // The user named it, so it may be a link.
  if (!is_tar_ && member == descriptor_) return std::optional(opened_);
  if (!is_tar_) {
    auto file = open_plain(path_.parent_path() / member, member, O_NOFOLLOW);
    if (file) return std::optional(*std::move(file));
    if (file.error().code == Errc::not_found) return std::optional<PackageFile>();
    return std::move(file.error()).within(name_);
  }
  const auto found =
      std::find_if(members_.begin(), members_.end(),
                   [&member](const TarMember& candidate) { return candidate.name == member; });
  if (found == members_.end()) return std::optional<PackageFile>();
  PackageFile file = opened_;
  file.name = member;
  file.offset = found->offset;
  file.size = found->size;
  return std::optional(std::move(file));
}

Result<std::optional<std::string>> Package::text_of(const std::string& member) const {
  FLYT_ASSIGN(const auto file, find(member));
  if (!file) return std::optional<std::string>();
  if (file->size > longest_text) {
    return Error{Errc::invalid, fmt::format("{}: {} has {} bytes, limit {}", name_, member,
                                            file->size, longest_text)};
  }
  std::string text(static_cast<std::size_t>(file->size), '\0');
  FLYT_TRY(window(*file)->read(0, std::as_writable_bytes(std::span(text))));
  return std::optional(std::move(text));
}

Result<PackageFile> Package::file(const OvfFile& reference) const {
  if (reference.href.find("://") != std::string::npos) {
    return Error{Errc::unsupported,
                 fmt::format("{}: {} lies elsewhere", name_, reference.href),
                 {},
                 {},
                 {},
                 {"fetch it, and let the descriptor name the local file"}};
  }
  // A reference is a URI, but many writers put plain names there.
  const std::string plain = safe_name(reference.href);
  const std::string decoded = safe_name(percent_decode(reference.href).value_or(""));
  if (plain.empty() || decoded.empty() ||
      (!is_tar_ && (plain + decoded).find('/') != std::string::npos)) {
    return Error{Errc::invalid,
                 fmt::format("{}: the reference {} leaves the package", name_, reference.href)};
  }
  for (const std::string& member : {plain, decoded}) {
    FLYT_ASSIGN(auto found, find(folder_ + member));
    if (!found) continue;
    if (reference.size_bytes && *reference.size_bytes != found->size) {
      return Error{Errc::corrupt, fmt::format("{}: {} has {} bytes, the descriptor says {}", name_,
                                              member, found->size, *reference.size_bytes)};
    }
    return *std::move(found);
  }
  return Error{Errc::not_found, fmt::format("{}: {} is missing", name_, plain)};
}

const ManifestEntry* Package::listed(const OvfFile& reference) const {
  const ManifestEntry* plain = find_entry(manifest_, reference.href);
  if (plain != nullptr) return plain;
  return find_entry(manifest_, percent_decode(reference.href).value_or(""));
}

std::shared_ptr<const ByteWindow> Package::window(const PackageFile& file) const {
  return file_window(file.descriptor, fmt::format("{}: {}", name_, file.name), file.offset,
                     file.size);
}

}  // namespace flyt::ova
