#include "drivers/vsphere/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>

#include "base/uri.hpp"

namespace flyt::vsphere {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60};  // without a single byte
constexpr std::chrono::milliseconds first_pause{250}, longest_pause{4000};
constexpr std::uint64_t shown_body = 4096;  // of an error page

// vCenter wants the names of datacentre and datastore quoted twice, for it unquotes twice; slashes
// of the path stay.
std::string folder_url(const std::string& server, const RangeFile& file) {
  std::string path;
  for (std::size_t at = 0; at <= file.path.size();) {
    const std::size_t end = std::min(file.path.find('/', at), file.path.size());
    path += "/" + percent_encode(std::string_view(file.path).substr(at, end - at));
    at = end + 1;
  }
  std::string url = fmt::format("{}/folder{}?dsName={}", server, path,
                                percent_encode(percent_encode(file.datastore)));
  // A single host has one datacentre, which it calls by a name of its own.
  if (!file.datacentre.empty()) {
    url += "&dcPath=" + percent_encode(percent_encode(file.datacentre));
  }
  return url;
}

struct ContentRange {
  std::uint64_t first = 0, last = 0, size = 0;
};

// "bytes 0-1048575/67108864".
std::optional<ContentRange> parse_content_range(std::string_view text) {
  ContentRange range;
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return {};
  const char* at = text.data() + unit.size();
  const char* const end = text.data() + text.size();
  const auto number = [&](std::uint64_t& value, char behind) {
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return false;
    at = next;
    if (behind == 0) return at == end;
    if (at == end || *at != behind) return false;
    ++at;
    return true;
  };
  if (!number(range.first, '-') || !number(range.last, '/') || !number(range.size, 0)) return {};
  return range;
}

// What is worth trying again.
bool may_pass(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timed_out;
}

}  // namespace

RangeReader::RangeReader(Session& session, const RangeFile& file, unsigned connections)
    : session_(session),
      url_(folder_url(session.config().url, file)),
      name_(fmt::format("[{}] {}", file.datastore, file.path)),
      governor_(std::max(1U, connections)) {}

Error RangeReader::error_of_status(const HttpResponse& response) const {
  Error error{Errc::unavailable, fmt::format("{} cannot be read", name_),
              fmt::format("HTTP {} {}", response.status, response.reason)};
  switch (response.status) {
    case 401:
    case 403:
      error.code = Errc::denied;
      error.why = "the user lacks Datastore.Browse or Datastore.FileManagement on the datastore";
      error.remedy = {"flyt check names what is missing"};
      break;
    case 404:
      error.code = Errc::not_found;
      break;
    case 500:
      error.why = "another program holds the disk (a backup?), or its machine runs";
      break;
    case 503:
      error.why = "the server has too many requests or sessions";
      break;
    default:
      break;
  }
  return error;
}

// With the session's cookie; once more with a new one where that has ended.
Result<HttpResponse> RangeReader::ask(HttpRequest request, const Call& call) {
  request.url = url_;
  request.body_limit = shown_body;
  FLYT_ASSIGN(Secret cookie, session_.cookie(call));
  request.secret_headers = {{"Cookie", cookie}};
  FLYT_ASSIGN(HttpResponse response, session_.http().request(request, call));
  if (response.status != 401) return response;
  FLYT_ASSIGN(cookie, session_.renewed(cookie, call));
  request.secret_headers = {{"Cookie", cookie}};
  return session_.http().request(request, call);
}

Result<std::uint64_t> RangeReader::size(const Call& call) {
  if (size_ != 0) return size_.load();
  std::byte first{};
  FLYT_TRY(read(0, {&first, 1}, call));
  return size_.load();
}

// Whether the answer is what was asked for: `wanted` bytes at `offset`.
Status RangeReader::check_head(const HttpResponse& head, std::uint64_t offset, std::size_t wanted) {
  const std::string* said = head.header("content-range");
  const auto range = said != nullptr ? parse_content_range(*said) : std::nullopt;
  if (head.status != 206 || !range) {
    return Error{Errc::unsupported, fmt::format("{}: the server knows no ranges", name_),
                 fmt::format("HTTP {} {}", head.status, head.reason)};
  }
  std::uint64_t known = 0;
  if (!size_.compare_exchange_strong(known, range->size) && known != range->size) {
    return Error{Errc::corrupt, fmt::format("{} has changed its size while it was read", name_),
                 fmt::format("{} bytes, now {}", known, range->size)};
  }
  if (range->first != offset || range->last - range->first + 1 != wanted) {
    return Error{Errc::corrupt, fmt::format("{} ends too early", name_),
                 fmt::format("asked for {} bytes at {}, got {}", wanted, offset, *said)};
  }
  return ok();
}

// One request. `done` grows with every byte that came, also when it fails.
Status RangeReader::try_range(std::uint64_t offset, std::span<std::byte> out, std::size_t& done,
                              const Call& call) {
  FLYT_TRY(governor_.enter(call));
  const std::uint64_t from = offset + done;
  const std::size_t wanted = out.size() - done;
  bool begun = false;
  HttpRequest request;
  request.headers = {{"Range", fmt::format("bytes={}-{}", from, from + wanted - 1)}};
  request.before_download = [&](const HttpResponse& head) {
    begun = true;
    return check_head(head, from, wanted);
  };
  request.download = [&](std::span<const std::byte> data) -> Status {
    if (data.size() > out.size() - done) {
      return Error{Errc::corrupt, fmt::format("{}: the server sends more than it said", name_)};
    }
    std::memcpy(out.data() + done, data.data(), data.size());
    done += data.size();
    return ok();
  };
  auto response = ask(std::move(request), call);
  if (response && response->status == 503) {
    governor_.refused();
  } else if (begun) {
    governor_.succeeded();
  } else {
    governor_.left();
  }
  if (!response) return response.error();
  if (!begun) return error_of_status(*response);
  // libcurl has seen to it that all came that was promised.
  return ok();
}

Status RangeReader::read(std::uint64_t offset, std::span<std::byte> out, const Call& call) {
  std::size_t done = 0;
  auto give_up = Clock::now() + patience;
  auto pause = first_pause;
  while (done < out.size()) {
    const std::size_t before = done;
    Status tried = try_range(offset, out, done, call);
    if (tried) continue;
    if (!may_pass(tried.error())) return tried;
    if (done > before) {
      give_up = Clock::now() + patience;
      pause = first_pause;
    }
    if (Clock::now() + pause > give_up) return tried;
    FLYT_TRY(wait(pause, call, name_));
    pause = std::min(2 * pause, longest_pause);
  }
  return ok();
}

}  // namespace flyt::vsphere
