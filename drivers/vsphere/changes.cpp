#include "drivers/vsphere/changes.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

struct Page {
  std::vector<Extent> extents;
  std::uint64_t end = 0;  // the next page begins here
};

Error impossible(const std::string& what, std::string seen) {
  return {Errc::corrupt, fmt::format("{}: the answer cannot be", what), std::move(seen)};
}

Result<Page> page_of(const Reply& reply, const std::string& what, std::uint64_t from,
                     std::uint64_t size) {
  const auto start = number_child(reply.value(), "startOffset");
  const auto length = number_child(reply.value(), "length");
  if (!start || !length || *start < 0 || *length <= 0) {
    return impossible(what, "it says not which part it is about");
  }
  Page page;
  page.end = static_cast<std::uint64_t>(*start) + static_cast<std::uint64_t>(*length);
  if (static_cast<std::uint64_t>(*start) > from || page.end <= from) {
    return impossible(what,
                      fmt::format("asked from {}, answered {} bytes at {}", from, *length, *start));
  }
  std::uint64_t reached = from;
  for (const pugi::xml_node area : xml_children(reply.value(), "changedArea")) {
    const auto area_start = number_child(area, "start");
    const auto area_length = number_child(area, "length");
    if (!area_start || !area_length || *area_start < 0 || *area_length <= 0) {
      return impossible(what, "an area without start or length");
    }
    std::uint64_t begin = static_cast<std::uint64_t>(*area_start);
    const std::uint64_t end = begin + static_cast<std::uint64_t>(*area_length);
    if (end > size || end <= reached) {
      if (end <= reached && end <= from) continue;  // of the page before
      return impossible(what, fmt::format("an area of {} bytes at {}, the disk has {}",
                                          *area_length, begin, size));
    }
    begin = std::max(begin, reached);
    page.extents.push_back({begin, end - begin, false});
    reached = end;
  }
  return page;
}

struct ChangeId {
  std::string_view tracking;
  std::uint64_t number = 0;
};

std::optional<ChangeId> parse_change_id(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  ChangeId id{text.substr(0, slash)};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, id.number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return id;
}

// Nothing of an answer may be believed where the question was refused, whatever the reason is.
Error read_all(Error error) {
  const bool final =
      error.code == Errc::cancelled || error.code == Errc::timed_out || error.code == Errc::corrupt;
  if (final || error.seen.empty()) return error;
  error.code = Errc::unsupported;
  error.why = "change tracking was reset, or does not know the earlier view: all has to be read";
  error.remedy.clear();
  return error;
}

}  // namespace

bool may_follow(std::string_view earlier, std::string_view now) {
  const auto before = parse_change_id(earlier), after = parse_change_id(now);
  return before && after && before->tracking == after->tracking && before->number <= after->number;
}

Result<std::vector<Extent>> changed_extents(Session& session, const TrackedDisk& disk,
                                            const std::string& change_id, std::uint64_t from,
                                            const Call& call) {
  const std::string what =
      fmt::format("{}: asking what has changed on disk {}", disk.machine.value, disk.key);
  while (from < disk.size_bytes) {
    Body body;
    if (!disk.snapshot.empty()) body.ref("snapshot", disk.snapshot);
    body.text("deviceKey", disk.key).text("startOffset", std::to_string(from));
    body.text("changeId", change_id);
    const auto reply = session.call("QueryChangedDiskAreas", disk.machine, body, what, call);
    if (!reply) return read_all(reply.error());
    FLYT_ASSIGN(Page page, page_of(*reply, what, from, disk.size_bytes));
    if (!page.extents.empty()) {
      // The next page is asked for from the end of the last extent; what lies behind it up to the
      // end of this page is known to be the same.
      return std::move(page.extents);
    }
    from = page.end;
  }
  return std::vector<Extent>();
}

std::function<Result<std::vector<Extent>>(std::uint64_t from, const Call& call)> changes_since(
    Session& session, const TrackedDisk& disk, const std::string& since) {
  if (since.empty()) return {};
  return [&session, disk, since](std::uint64_t from, const Call& call) {
    return changed_extents(session, disk, since, from, call);
  };
}

Result<Allocation> allocation_of(Session& session, const TrackedDisk& disk, const Call& call) {
  Allocation all(disk.size_bytes);
  std::uint64_t from = 0;
  for (;;) {
    FLYT_ASSIGN(const auto page, changed_extents(session, disk, "*", from, call));
    if (page.empty()) return all;
    for (const Extent& extent : page) all.add(extent.offset, extent.length);
    from = page.back().offset + page.back().length;
  }
}

}  // namespace flyt::vsphere
