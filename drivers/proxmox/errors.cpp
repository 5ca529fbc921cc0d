// What Proxmox VE means when it refuses. Its status line carries the text; a user's mistake is a
// 500 as often as a 400.
#include <fmt/format.h>

#include <array>

#include "drivers/proxmox/answers_json.hpp"
#include "drivers/proxmox/api.hpp"

namespace flyt::proxmox {
namespace {

struct Meaning {
  std::string_view text;  // found anywhere in the message
  Errc code;
  std::string_view why = {}, remedy = {};
};

constexpr std::array<Meaning, 23> meanings{{
    {"Permission check failed", Errc::denied, "the token or user lacks a privilege",
     "flyt check names each, and prints the pveum lines that grant it"},
    {"Only root can", Errc::denied, "a token never counts as root, not even root's"},
    {"only root can", Errc::denied, "a token never counts as root, not even root's"},
    {"powerdown failed", Errc::timed_out, "the guest does not obey: no ACPI, or it is busy"},
    {"got timeout", Errc::unavailable, "another task holds the machine's lock"},
    {"is locked", Errc::unavailable, "another task works on the machine, or one has left its lock"},
    {"checksum mismatch (file change by other user?)", Errc::unavailable,
     "somebody changed the machine at the same moment"},
    {"detected modified configuration", Errc::unavailable,
     "somebody changed the same thing at the same moment"},
    {"checksum mismatch: got", Errc::corrupt, "what arrived is not what was sent"},
    {"does not support 'import' content", Errc::unsupported, "the storage takes no uploads",
     "pvesm set STORAGE --content import,..."},
    {"can't upload to storage type", Errc::unsupported,
     "only storages that keep files take uploads"},
    {"does not exist", Errc::not_found},
    {"no such", Errc::not_found},
    {"already exists", Errc::exists},
    {"already used", Errc::exists},
    {"not enough space", Errc::unavailable, "the storage is full"},
    {"No space left", Errc::unavailable, "the storage is full"},
    {"out of space", Errc::unavailable, "the storage is full"},
    {"No route to host", Errc::unavailable},
    {"Connection refused", Errc::unavailable},
    {"hostname lookup", Errc::not_found, "the cluster has no node of this name"},
    {"is not online", Errc::unavailable},
    {"unable to parse", Errc::invalid},
}};

const Meaning* meaning_of(std::string_view text) {
  for (const Meaning& one : meanings) {
    if (text.find(one.text) != std::string_view::npos) return &one;
  }
  return nullptr;
}

Errc code_of_status(long status) {
  switch (status) {
    case 400:
      return Errc::invalid;
    case 401:
    case 403:
      return Errc::denied;
    case 404:
      return Errc::not_found;
    case 501:
      return Errc::unsupported;
    case 502:
    case 503:
    case 504:
    case 595:
    case 599:
      return Errc::unavailable;
    case 596:
      return Errc::timed_out;
    default:
      return Errc::internal;
  }
}

}  // namespace

Error refusal(std::string_view text, Errc otherwise, std::string_view what) {
  Error error{otherwise, std::string(what)};
  error.seen = fmt::format("Proxmox VE: {}", text);
  if (const Meaning* meaning = meaning_of(text)) {
    error.code = meaning->code;
    error.why = meaning->why;
    if (!meaning->remedy.empty()) error.remedy.emplace_back(meaning->remedy);
  }
  return error;
}

Error error_of(const HttpResponse& answer, std::string_view what) {
  std::string text = parse_refusal(answer.body);
  if (text.empty()) text = answer.reason;
  if (text.empty()) text = fmt::format("HTTP status {}", answer.status);
  // These say what happened to the request, whatever the text says.
  const bool clear = answer.status == 401 || answer.status == 501 || answer.status >= 595 ||
                     (answer.status >= 502 && answer.status <= 504);
  if (!clear) return refusal(text, code_of_status(answer.status), what);
  Error error{code_of_status(answer.status), std::string(what)};
  error.seen = fmt::format("Proxmox VE: {} {}", answer.status, text);
  if (answer.status == 401) {
    error.why = "the token or password is wrong, or was withdrawn";
  } else if (answer.status == 596) {
    error.why = "it took longer than the server waits; the work may go on";
  } else if (error.code == Errc::unavailable) {
    error.why = "the node that was asked cannot reach the other one";
  }
  return error;
}

}  // namespace flyt::proxmox
