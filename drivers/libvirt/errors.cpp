#include "drivers/libvirt/errors.hpp"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <array>

namespace flyt::virt {
namespace {

struct Meaning {
  int number;
  Errc code;
  std::string_view why = {}, remedy = {};
};

constexpr std::string_view group = "add this user to the group libvirt, and log in again";

constexpr std::array<Meaning, 34> meanings{{
    {VIR_ERR_NO_DOMAIN, Errc::not_found},
    {VIR_ERR_NO_NETWORK, Errc::not_found, "", "virsh net-list --all"},
    {VIR_ERR_NO_STORAGE_POOL, Errc::not_found, "", "virsh pool-list --all"},
    {VIR_ERR_NO_STORAGE_VOL, Errc::not_found},
    {VIR_ERR_NO_DOMAIN_METADATA, Errc::not_found},
    {VIR_ERR_DOM_EXIST, Errc::exists},
    {VIR_ERR_STORAGE_VOL_EXIST, Errc::exists},
    {VIR_ERR_NETWORK_EXIST, Errc::exists},
    {VIR_ERR_NO_SUPPORT, Errc::unsupported},
    {VIR_ERR_CONFIG_UNSUPPORTED, Errc::unsupported},
    {VIR_ERR_ARGUMENT_UNSUPPORTED, Errc::unsupported},
    {VIR_ERR_OPERATION_UNSUPPORTED, Errc::unsupported},
    {VIR_ERR_NO_INTERFACE, Errc::unsupported},
    {VIR_ERR_AUTH_FAILED, Errc::denied, "", group},
    {VIR_ERR_AUTH_CANCELLED, Errc::denied, "", group},
    {VIR_ERR_AUTH_UNAVAILABLE, Errc::denied, "polkit asks for a password and nobody can give it",
     group},
    {VIR_ERR_OPERATION_DENIED, Errc::denied},
    {VIR_ERR_ACCESS_DENIED, Errc::denied},
    {VIR_ERR_NO_CONNECT, Errc::unavailable, "libvirtd does not run, or `uri` is wrong"},
    {VIR_ERR_RPC, Errc::unavailable, "libvirtd went away"},
    {VIR_ERR_RESOURCE_BUSY, Errc::unavailable},
    {VIR_ERR_AGENT_UNRESPONSIVE, Errc::unavailable},
    {VIR_ERR_AGENT_UNSYNCED, Errc::unavailable},
    // What libvirt says of anything that QEMU does not live through.
    {VIR_ERR_INTERNAL_ERROR, Errc::unavailable, "QEMU ended or refuses: its log says more",
     "less /var/log/libvirt/qemu/NAME.log (qemu:///session: ~/.cache/libvirt/qemu/log)"},
    {VIR_ERR_OPERATION_FAILED, Errc::unavailable},
    {VIR_ERR_OPERATION_ABORTED, Errc::unavailable},
    {VIR_ERR_OPERATION_TIMEOUT, Errc::timed_out},
    {VIR_ERR_OPERATION_INVALID, Errc::invalid},
    {VIR_ERR_INVALID_ARG, Errc::invalid},
    {VIR_ERR_INVALID_MAC, Errc::invalid},
    {VIR_ERR_XML_ERROR, Errc::invalid},
    {VIR_ERR_XML_DETAIL, Errc::invalid},
    {VIR_ERR_XML_INVALID_SCHEMA, Errc::invalid},
    {VIR_ERR_SYSTEM_ERROR, Errc::unavailable},
}};

// A system call that failed says why only in its text and in int1, its errno.
Meaning meaning_of(const virError& error) {
  if (error.code == VIR_ERR_SYSTEM_ERROR) {
    if (error.int1 == EACCES || error.int1 == EPERM) {
      return {error.code, Errc::denied, "the socket of libvirtd may not be opened", group};
    }
    if (error.int1 == ENOENT || error.int1 == ECONNREFUSED) {
      return {error.code, Errc::unavailable, "libvirtd does not run, or `uri` is wrong",
              "systemctl start libvirtd"};
    }
    if (error.int1 == ENOSPC) return {error.code, Errc::unavailable, "the storage is full"};
  }
  const auto* found = std::find_if(meanings.begin(), meanings.end(),
                                   [&](const Meaning& one) { return one.number == error.code; });
  return found == meanings.end() ? Meaning{error.code, Errc::internal} : *found;
}

bool last_is(std::initializer_list<int> numbers) {
  const virError* error = virGetLastError();
  return error != nullptr &&
         std::find(numbers.begin(), numbers.end(), error->code) != numbers.end();
}

}  // namespace

Error last_error(std::string_view what) {
  const virError* last = virGetLastError();
  Error error{Errc::internal, std::string(what)};
  if (last == nullptr || last->code == VIR_ERR_OK) return error;
  const Meaning meaning = meaning_of(*last);
  error.code = meaning.code;
  error.seen = fmt::format("libvirt: {}", last->message == nullptr ? "" : last->message);
  error.why = meaning.why;
  if (!meaning.remedy.empty()) error.remedy.emplace_back(meaning.remedy);
  return error;
}

bool last_is_missing() {
  return last_is({VIR_ERR_NO_DOMAIN, VIR_ERR_NO_STORAGE_VOL, VIR_ERR_NO_STORAGE_POOL,
                  VIR_ERR_NO_NETWORK, VIR_ERR_NO_DOMAIN_METADATA});
}

bool last_is_unsupported() {
  return last_is({VIR_ERR_NO_SUPPORT, VIR_ERR_NO_INTERFACE, VIR_ERR_OPERATION_UNSUPPORTED});
}

bool last_is_silent_agent() {
  return last_is({VIR_ERR_AGENT_UNRESPONSIVE, VIR_ERR_AGENT_UNSYNCED, VIR_ERR_OPERATION_TIMEOUT});
}

void silence_errors() {
  virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
}

}  // namespace flyt::virt
