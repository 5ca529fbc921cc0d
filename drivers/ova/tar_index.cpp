#include "drivers/ova/tar_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/utf8.hpp"

namespace flyt::ova {
namespace {

// Our own reader and not libarchive's, because disks are read at random from where they lie:
// offsets must be exact, and what we do not know must be refused and not skipped.
constexpr std::uint64_t block_bytes = 512;
constexpr std::uint64_t longest_extension = std::uint64_t{1} << 20;
constexpr std::uint64_t most_extension_bytes = std::uint64_t{1} << 26;  // of all members
constexpr std::size_t longest_name = 4096, most_members = 10'000;

using Block = std::array<std::byte, block_bytes>;

std::string_view field(const Block& block, std::size_t offset, std::size_t length) {
  return {reinterpret_cast<const char*>(block.data()) + offset, length};
}

std::string_view until_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

bool all_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::optional<std::uint64_t> digits(std::string_view text, unsigned base) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (c < '0' || digit >= base) return std::nullopt;
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

// GNU's base 256, for what octal digits cannot hold. Negative: nothing.
std::optional<std::uint64_t> binary(std::string_view text) {
  if (static_cast<unsigned char>(text.front()) != 0x80U) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(1)) {
    if (value >> 55U != 0) return std::nullopt;
    value = value << 8U | static_cast<unsigned char>(c);
  }
  return value;
}

// Octal digits between blanks, up to a blank or NUL.
std::optional<std::uint64_t> number(std::string_view text) {
  if ((static_cast<unsigned char>(text.front()) & 0x80U) != 0) return binary(text);
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  const std::string_view ends(" \0", 2);
  return digits(text.substr(0, text.find_first_of(ends)), 8);
}

// The sum of all bytes, the checksum's own taken as blanks; old writers summed signed bytes.
bool checksum_holds(const Block& block) {
  const auto stated = number(field(block, 148, 8));
  std::int64_t plain = 0, with_sign = 0;
  for (std::size_t i = 0; i != block.size(); ++i) {
    const auto byte = i >= 148 && i < 156 ? std::byte{' '} : block.at(i);
    plain += std::to_integer<unsigned char>(byte);
    with_sign += static_cast<signed char>(byte);
  }
  return stated && (*stated == static_cast<std::uint64_t>(plain) ||
                    *stated == static_cast<std::uint64_t>(with_sign));
}

// What pax and GNU extension headers say about the next member.
struct Extension {
  std::optional<std::string> name;
  std::optional<std::uint64_t> size;
};

class Indexer {
 public:
  explicit Indexer(const ByteWindow& file) : file_(file) {}

  Result<std::vector<TarMember>> all(const Call& call) {
    // An archive that ends without its end marker, but at a member's border, misses nothing that
    // could be told here; whether all files are there is for the descriptor to say.
    while (at_ != file_.size()) {
      FLYT_TRY(proceed(call, file_.name()));
      Block block;
      FLYT_TRY(file_.read(at_, block));
      if (all_zero(block)) break;
      FLYT_TRY(member(block));
    }
    if (members_.empty()) return corrupt("it holds no file");
    return std::move(members_);
  }

 private:
  Status member(const Block& block) {
    if (!checksum_holds(block)) return corrupt("this is no tar header, or it is damaged");
    const auto stated = number(field(block, 124, 12));
    if (!stated) return corrupt("a size that is no number");
    const char type = field(block, 156, 1).front();
    const bool is_extension = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    const std::uint64_t size = is_extension || !next_.size ? *stated : *next_.size;
    const std::uint64_t data = at_ + block_bytes;
    if (size > file_.size() - data) {
      return corrupt(fmt::format("a member of {} bytes, but {} are left: the file is cut off", size,
                                 file_.size() - data));
    }
    if (is_extension) {
      FLYT_TRY(extension(type, data, size));
    } else {
      FLYT_TRY(finish(block, type, data, size));
    }
    const std::uint64_t padded = (size + block_bytes - 1) / block_bytes * block_bytes;
    at_ = std::min(data + padded, file_.size());
    return ok();
  }

  Status extension(char type, std::uint64_t data, std::uint64_t size) {
    extension_bytes_ += size;
    if (size > longest_extension || extension_bytes_ > most_extension_bytes) {
      return corrupt("extension headers that are too long");
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    FLYT_TRY(file_.read(data, std::as_writable_bytes(std::span(text))));
    if (type == 'L') next_.name = std::string(until_nul(text));
    if (type == 'x' || type == 'g') return pax(text, type == 'g');
    return ok();
  }

  // Lines of "LENGTH KEY=VALUE\n", where LENGTH counts itself.
  Status pax(std::string_view text, bool global) {
    while (!text.empty()) {
      const auto blank = text.find(' ');
      const auto length = digits(text.substr(0, blank), 10);
      if (blank == std::string_view::npos || !length || *length <= blank + 1 ||
          *length > text.size() || text[*length - 1] != '\n') {
        return corrupt("a damaged pax header");
      }
      const std::string_view line = text.substr(blank + 1, *length - blank - 2);
      const auto equals = line.find('=');
      if (equals == std::string_view::npos) return corrupt("a damaged pax header");
      FLYT_TRY(keyword(line.substr(0, equals), line.substr(equals + 1), global));
      text.remove_prefix(static_cast<std::size_t>(*length));
    }
    return ok();
  }

  Status keyword(std::string_view key, std::string_view value, bool global) {
    if (key.substr(0, 10) == "GNU.sparse") return unsupported("a sparse member");
    if (key != "path" && key != "size") return ok();
    if (global) return unsupported("a pax header that names or measures all members");
    if (key == "path") {
      next_.name = std::string(value);
      return ok();
    }
    next_.size = digits(value, 10);
    return next_.size ? ok() : Status(corrupt("a size that is no number"));
  }

  Status finish(const Block& block, char type, std::uint64_t data, std::uint64_t size) {
    const Extension extension = std::exchange(next_, {});
    const std::string raw = extension.name ? *extension.name : plain_name(block);
    switch (type) {
      case '0':
      case '\0':
      case '7':
        return add(raw, data, size);
      case '5':
        return size == 0 ? ok() : Status(corrupt("a folder that has content"));
      case '1':
      case '2':
        return invalid(fmt::format("{} is a link", shown(raw)));
      case '3':
      case '4':
      case '6':
        return invalid(fmt::format("{} is a device or a pipe", shown(raw)));
      default:
        return unsupported(
            fmt::format("{} is of the type '{}'", shown(raw), shown(std::string(1, type))));
    }
  }

  static std::string plain_name(const Block& block) {
    const std::string_view name = until_nul(field(block, 0, 100));
    const bool is_posix = field(block, 257, 6) == std::string_view("ustar\0", 6);
    const std::string_view prefix = is_posix ? until_nul(field(block, 345, 155)) : "";
    return prefix.empty() ? std::string(name) : fmt::format("{}/{}", prefix, name);
  }

  Status add(const std::string& raw, std::uint64_t data, std::uint64_t size) {
    const std::string name = safe_name(raw);
    if (name.empty()) return invalid(fmt::format("{} is no name for a member", shown(raw)));
    if (!names_.insert(name).second) return invalid(fmt::format("{} is there twice", name));
    if (members_.size() == most_members) return invalid("more than 10000 members");
    members_.push_back({name, data, size});
    return ok();
  }

  static std::string shown(std::string_view raw) {
    std::string text(raw.substr(0, 200));
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
    }
    return text;
  }

  Error error(Errc code, std::string_view text) const {
    return {code, fmt::format("{}: {}", file_.name(), text),
            fmt::format("tar header at byte {}", at_)};
  }
  Error corrupt(std::string_view text) const {
    Error e = error(Errc::corrupt, text);
    e.remedy = {"copy or download the package again, and compare its checksum with the origin's"};
    return e;
  }
  Error invalid(std::string_view text) const {
    Error e = error(Errc::invalid, text);
    e.why = "a package of a virtual machine holds plain files beside each other";
    return e;
  }
  Error unsupported(std::string_view text) const { return error(Errc::unsupported, text); }

  const ByteWindow& file_;
  std::uint64_t at_ = 0, extension_bytes_ = 0;
  Extension next_;
  std::vector<TarMember> members_;
  std::set<std::string> names_;
};

}  // namespace

Result<std::vector<TarMember>> index_tar(const ByteWindow& file, const Call& call) {
  return Indexer(file).all(call);
}

std::string safe_name(std::string_view name) {
  if (name.size() > longest_name || !is_clean_utf8(name) ||
      name.find('\\') != std::string_view::npos) {
    return {};
  }
  while (name.substr(0, 2) == "./") name.remove_prefix(2);
  for (std::string_view rest = name;;) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return {};
    if (slash == std::string_view::npos) return std::string(name);
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace flyt::ova
