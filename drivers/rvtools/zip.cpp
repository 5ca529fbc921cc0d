#include "drivers/rvtools/zip.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>

namespace flyt::rvtools {
namespace {

constexpr std::size_t read_at_once = std::size_t{64} << 10;
constexpr unsigned most_members = 10'000;

struct FreeArchive {
  void operator()(archive* one) const { archive_read_free(one); }
};
using Archive = std::unique_ptr<archive, FreeArchive>;

Error no_zip(archive* from) {
  const char* said = archive_error_string(from);
  return {Errc::corrupt, "this is no workbook that can be unpacked", said == nullptr ? "" : said};
}

Result<Archive> open_zip(const std::filesystem::path& zip) {
  Archive opened(archive_read_new());
  archive_read_support_format_zip(opened.get());
  if (archive_read_open_filename(opened.get(), zip.c_str(), read_at_once) != ARCHIVE_OK) {
    return no_zip(opened.get());
  }
  return opened;
}

Result<std::string> unpack(archive* from, std::size_t limit, const std::string& name,
                           const Call& call) {
  std::string content;
  std::array<char, read_at_once> buffer{};
  for (;;) {
    FLYT_TRY(proceed(call, name));
    const la_ssize_t got = archive_read_data(from, buffer.data(), buffer.size());
    if (got < 0) return no_zip(from);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > limit) {
      return Error{Errc::invalid, fmt::format("{} holds more than {} MiB when it is unpacked", name,
                                              limit >> 20U)};
    }
  }
}

}  // namespace

Result<std::string> read_member(const std::filesystem::path& zip, const std::string& name,
                                std::size_t limit, const Call& call) {
  FLYT_ASSIGN(const Archive opened, open_zip(zip));
  std::optional<std::string> found;
  archive_entry* entry = nullptr;
  for (unsigned members = 0;; ++members) {
    FLYT_TRY(proceed(call, name));
    const int got = archive_read_next_header(opened.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got < ARCHIVE_WARN) return no_zip(opened.get());
    if (members == most_members) {
      return Error{Errc::invalid, fmt::format("it has more than {} members", most_members)};
    }
    const char* path = archive_entry_pathname(entry);
    if (path == nullptr || name != path) continue;
    if (found) {
      return Error{Errc::invalid, fmt::format("{} is in it twice", name)};
    }
    FLYT_ASSIGN(found, unpack(opened.get(), limit, name, call));
  }
  if (found) return *std::move(found);
  return Error{Errc::not_found, fmt::format("there is no {} in it", name)};
}

}  // namespace flyt::rvtools
