#include "drivers/libvirt/host_identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/digest.hpp"
#include "base/lower_case.hpp"
#include "base/process.hpp"
#include "drivers/libvirt/context.hpp"

namespace flyt::virt {
namespace {

// One line each: machine id, "board UUID", "hidden" or "none"; then the configuration's lines.
constexpr const char* script = R"sh(
head -n 1 /etc/machine-id 2>/dev/null || echo
board=/sys/class/dmi/id/product_uuid
if [ -r $board ]; then head -n 1 $board; elif [ -e $board ]; then echo hidden; else echo none; fi
grep -hs '^[[:space:]]*host_uuid' /etc/libvirt/libvirtd.conf /etc/libvirt/virtqemud.conf \
    ~/.config/libvirt/libvirtd.conf ~/.config/libvirt/virtqemud.conf || :
)sh";

std::string without_dashes(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
  return text;
}

// As systemd wants it: the machine id itself is not to leave the host.
std::string derived_from(const std::string& machine_id) {
  const std::string hex = to_hex(sha256(fmt::format("flyt libvirt host {}", machine_id)));
  return fmt::format("{}-{}-8{}-a{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3),
                     hex.substr(17, 3), hex.substr(20, 12));
}

}  // namespace

std::string lasting_host_id(const std::string& claimed, const HostMarks& marks, bool session) {
  const std::string id = lower_case(claimed), machine_id = lower_case(marks.machine_id);
  if (machine_id.empty()) return claimed;
  const bool known = id == lower_case(marks.board) || without_dashes(id) == machine_id ||
                     (!id.empty() && lower_case(marks.configured).find(id) != std::string::npos);
  // libvirtd reads what is hidden from us; only an unprivileged one cannot.
  if (known || (marks.board_hidden && !session)) return claimed;
  return derived_from(machine_id);
}

Result<std::string> host_id(const Context& context, const std::string& claimed, const Call& call) {
  const auto asked = landing_run(context.landing, {"sh", "-c", script}, call);
  // A connection that broke must not give the host another name.
  if (!asked && context.landing.ssh) return asked.error();
  if (!asked || asked->status != 0) {
    FLYT_TRY(proceed(call, "asking which host this is"));
    return claimed;
  }
  std::istringstream lines(asked->output);
  HostMarks marks;
  std::getline(lines, marks.machine_id);
  std::getline(lines, marks.board);
  marks.board_hidden = marks.board == "hidden";
  if (marks.board_hidden || marks.board == "none") marks.board.clear();
  std::getline(lines, marks.configured, '\0');
  return lasting_host_id(claimed, marks, context.connection.session());
}

}  // namespace flyt::virt
