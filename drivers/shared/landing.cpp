#include "drivers/shared/landing.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/nbd_server.hpp"
#include "base/process.hpp"
#include "drivers/shared/landing_script.hpp"

namespace flyt {
namespace {

constexpr std::string_view clients = "32";
constexpr std::string_view mark = "flyt-landing: ";

struct Refusal {
  std::string_view word;
  Errc code;
  std::string_view what, why, remedy;
};

constexpr std::array<Refusal, 7> refusals{{
    {"changed", Errc::corrupt, "the disk was changed while it was read",
     "a program that flyt does not know wrote to it: the machine was started, or restored",
     "see that the machine stays off, then repeat the command"},
    {"newer", Errc::denied, "a newer flyt process has taken over",
     "this process was thought to be dead, or its machine is moved twice at once", ""},
    {"busy", Errc::unavailable, "another process holds the disk",
     "two migrations touch one disk, or one is opened twice", "end the process that holds it"},
    {"not_found", Errc::not_found, "the disk is not seen on the landing host",
     "the platform runs on another host, or only root may look there", "set landing = \"sudo\""},
    {"denied", Errc::denied, "the landing host refuses", "", ""},
    {"unsupported", Errc::unsupported, "the landing host lacks a program", "",
     "apt-get install qemu-utils util-linux"},
    {"unavailable", Errc::unavailable, "the disk cannot be served", "", ""},
}};

// What the supervisor said last, in its own words, as an error of ours; `error` where it said
// nothing.
Error classify(Error error, const LandingDisk& disk) {
  const auto at = error.seen.rfind(mark);
  if (at == std::string::npos) {
    if (error.seen.find("sudo:") == std::string::npos) return error;
    return {Errc::denied, fmt::format("{}: sudo refuses", disk.what), std::move(error.seen),
            "this user may not run commands as root without a password"};
  }
  const std::string_view said = std::string_view(error.seen).substr(at + mark.size());
  for (const Refusal& refusal : refusals) {
    if (!said.starts_with(refusal.word)) continue;
    Error found{refusal.code, fmt::format("{}: {}", disk.what, refusal.what)};
    found.why = refusal.why;
    if (!refusal.remedy.empty()) found.remedy.emplace_back(refusal.remedy);
    found.seen = std::move(error.seen);
    return found;
  }
  return error;
}

std::vector<std::string> supervisor(const LandingHost& host, const LandingDisk& disk) {
  std::vector<std::string> argv = host.prefix;
  for (std::string word :
       {std::string("sh"), std::string("-c"), std::string(landing_script),
        std::string("flyt-landing"), std::string(disk.use == Use::read ? "read" : "write"),
        disk.path, disk.format, disk.owner.id.empty() ? std::string("-") : disk.owner.id,
        std::to_string(disk.owner.epoch), std::string(nbd_socket), std::to_string(::getuid()),
        std::string(clients), std::string(disk.shared ? "yes" : "no")}) {
    argv.push_back(std::move(word));
  }
  return argv;
}

// Ends with the error of the channel inside, told in the supervisor's own words.
class LandingChannel final : public Channel {
 public:
  LandingChannel(LandingDisk disk, std::unique_ptr<Channel> served, bool reads_zero)
      : disk_(std::move(disk)), served_(std::move(served)), info_(served_->info()) {
    info_.reads_zero = reads_zero;
  }

  const ChannelInfo& info() const override { return info_; }

  Status close(const Call& call) override {
    Status closed = served_->close(call);
    if (closed) return closed;
    Error error = classify(std::move(closed).error(), disk_);
    if (disk_.use == Use::write) {
      error.state = "what was written since the last flush is not known to be safe";
    }
    return error;
  }

 private:
  LandingDisk disk_;
  std::unique_ptr<Channel> served_;
  ChannelInfo info_;
};

}  // namespace

Result<LandingHost> landing_host(std::string_view word) {
  if (word == "local") return LandingHost{"local", {}};
  if (word == "sudo") return LandingHost{"sudo", {"sudo", "-n", "--"}};
  if (word == "ssh" || word.starts_with("ssh:")) {
    return Error{Errc::unsupported,
                 "landing = \"ssh\" is not built yet",
                 "",
                 "disks are only reached on this machine",
                 "",
                 {"run flyt on the hypervisor itself, with landing = \"local\" or \"sudo\""}};
  }
  return Error{Errc::invalid,
               fmt::format("landing = \"{}\": there is no such way", word),
               "",
               "",
               "",
               {"use \"local\" or \"sudo\""}};
}

Result<std::unique_ptr<Channel>> open_landing(const LandingHost& host, const LandingDisk& disk,
                                              const Call& call) {
  if (disk.use == Use::write && disk.owner.id.empty()) {
    return Error{Errc::denied, fmt::format("{}: only a migration may write to it", disk.what)};
  }
  NbdChannelSpec spec{{supervisor(host, disk), {}, disk.what}};
  spec.info.size_bytes = disk.size_bytes;
  spec.info.flushes = disk.use == Use::write;
  auto served = open_nbd_channel(std::move(spec), call);
  if (!served) return classify(std::move(served).error(), disk);
  // Looked at while no other one can write.
  bool empty = false;
  if (disk.use == Use::write && disk.reads_zero) {
    FLYT_ASSIGN(empty, landing_is_empty(host, disk.path, disk.format, call));
  }
  return std::unique_ptr<Channel>(
      std::make_unique<LandingChannel>(disk, std::move(*served), empty));
}

}  // namespace flyt
