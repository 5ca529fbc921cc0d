#include "drivers/shared/landing.hpp"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <map>
#include <mutex>
#include <set>

#include "base/identity.hpp"
#include "base/nbd_server.hpp"
#include "base/units.hpp"
#include "drivers/shared/landing_host.hpp"
#include "drivers/shared/landing_script.hpp"
#include "drivers/shared/landing_ssh.hpp"

namespace flyt {
namespace {

constexpr std::string_view clients = "32";
constexpr std::size_t most_login = 4096;  // of what a login prints, for people
constexpr std::string_view mark = "flyt-landing: ";
constexpr std::string_view serves = "flyt-landing: serves ";

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
     "the platform runs on another host, or only root may look there", ""},
    {"denied", Errc::denied, "the landing host refuses", "", ""},
    {"unsupported", Errc::unsupported, "the landing host lacks a program", "",
     "apt-get install qemu-utils util-linux   # Proxmox VE: pve-qemu-kvm util-linux"},
    {"unavailable", Errc::unavailable, "the disk cannot be served", "", ""},
}};

// What the supervisor said last, in its own words, as an error of ours; else what ssh said; `error`
// where nobody said anything.
Error classify(Error error, const LandingHost& host, const LandingDisk& disk) {
  const auto at = error.seen.rfind(mark);
  if (at == std::string::npos) return landing_error(host, std::move(error), disk.what);
  const std::string_view said = std::string_view(error.seen).substr(at + mark.size());
  for (const Refusal& refusal : refusals) {
    if (!said.starts_with(refusal.word)) continue;
    Error found{refusal.code, fmt::format("{}: {}", disk.what, refusal.what)};
    found.why = refusal.why;
    if (refusal.code == Errc::not_found) found.remedy = {as_root(host)};
    if (!refusal.remedy.empty()) found.remedy.emplace_back(refusal.remedy);
    found.seen = std::move(error.seen);
    return found;
  }
  return error;
}

// Openings by SSH whose end on the host was not seen: this process's own, which no epoch fences.
class Openings {
 public:
  static Openings& the() {
    static Openings all;
    return all;
  }

  std::string begin() {
    const std::lock_guard lock(mutex_);
    return fmt::format("{}.{}", process_, ++count_);
  }
  void lost(const std::string& place, const std::string& opening) {
    const std::lock_guard lock(mutex_);
    lost_[place].insert(opening);
  }
  std::set<std::string> lost_of(const std::string& place) {
    const std::lock_guard lock(mutex_);
    const auto found = lost_.find(place);
    return found == lost_.end() ? std::set<std::string>() : found->second;
  }
  void forget(const std::string& place, const std::set<std::string>& openings) {
    const std::lock_guard lock(mutex_);
    for (const std::string& opening : openings) lost_[place].erase(opening);
    if (lost_[place].empty()) lost_.erase(place);
  }

 private:
  const std::string process_ = random_uuid();
  std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::map<std::string, std::set<std::string>> lost_;  // by host and path
};

struct Opening {
  std::string place, word;  // its place: host and path
  std::set<std::string> over;
};

// "no", or how it is looked.
std::string look_of(const LandingDisk& disk) {
  if (disk.use == Use::read || !disk.reads_zero) return "no";
  return disk.empty_test == nullptr ? "yes" : std::string(disk.empty_test->script);
}

// Its words, those of the client that carries it, and what it says when it serves.
NbdServerSpec supervisor(const LandingHost& host, const LandingDisk& disk, const Opening& opening,
                         const Call& call) {
  NbdServerSpec spec;
  spec.what = disk.what;
  spec.ends_with_input = host.ssh.has_value();
  // Nobody else can know its name, or make it before we do.
  const std::string folder = "/tmp/flyt-carried-" + random_uuid();
  std::vector<std::string> argv = host.prefix;
  std::string over = " ";
  for (const std::string& word : opening.over) over += word + " ";
  for (std::string word :
       {std::string("sh"), std::string("-c"), std::string(landing_script),
        std::string("flyt-landing"), std::string(disk.use == Use::read ? "read" : "write"),
        disk.path, disk.format, disk.owner.id.empty() ? std::string("-") : disk.owner.id,
        std::to_string(disk.owner.epoch), host.ssh ? folder + "/s" : std::string(nbd_socket),
        std::string(clients), std::string(disk.shared ? "yes" : "no"), look_of(disk), opening.word,
        over, disk.snapshot}) {
    argv.push_back(std::move(word));
  }
  if (!host.ssh) {
    spec.argv = std::move(argv);
    return spec;
  }
  const std::initializer_list<std::string> carrier{"sh", "-c", std::string(landing_carrier),
                                                   "flyt-landing", folder};
  argv.insert(argv.begin(), carrier.begin(), carrier.end());
  spec.argv = ssh_words(with_fast_cipher(*host.ssh, call),
                        {fmt::format("{}:{}/s", nbd_socket, folder)}, argv, call);
  return spec;
}

// "[{ "start": 0, ... }]": the whole map in one line, so one extent, and that a hole.
bool says_empty(std::string_view map) {
  const auto says = [&](std::string_view word) { return map.find(word) != std::string_view::npos; };
  return map.starts_with("[{") && map.ends_with("}]") && says("\"start\": 0,") &&
         says("\"zero\": true") && says("\"data\": false");
}

// Ends with the error of the channel inside, told in the supervisor's own words.
class LandingChannel final : public Channel {
 public:
  LandingChannel(LandingHost host, LandingDisk disk, Opening opening,
                 std::unique_ptr<Channel> served, bool reads_zero)
      : host_(std::move(host)),
        disk_(std::move(disk)),
        opening_(std::move(opening)),
        served_(std::move(served)),
        info_(served_->info()) {
    info_.reads_zero = reads_zero;
    if (disk_.size_bytes != 0) info_.size_bytes = disk_.size_bytes;
  }
  ~LandingChannel() override {
    if (host_.ssh && !ended_) Openings::the().lost(opening_.place, opening_.word);
  }

  const ChannelInfo& info() const override { return info_; }

  Status close(const Call& call) override {
    Status closed = served_->close(call);
    if (closed) {
      ended_ = true;
      return closed;
    }
    const Errc code = closed.error().code;
    if (closed.error().seen.find(mark) != std::string::npos) {
      ended_ = true;
    } else if (host_.ssh && code != Errc::cancelled && code != Errc::timed_out) {
      Openings::the().lost(opening_.place, opening_.word);
    }
    Error error = classify(std::move(closed).error(), host_, disk_);
    if (disk_.use == Use::write) {
      error.state = "what was written since the last flush is not known to be safe";
    }
    return error;
  }

 private:
  LandingHost host_;
  LandingDisk disk_;
  Opening opening_;
  bool ended_ = false;  // on the host, as it has said itself
  std::unique_ptr<Channel> served_;
  ChannelInfo info_;
};

}  // namespace

Result<std::unique_ptr<Channel>> open_landing(const LandingHost& host, const LandingDisk& disk,
                                              const Call& call) {
  if (disk.use == Use::write && disk.owner.id.empty()) {
    return Error{Errc::denied, fmt::format("{}: only a migration may write to it", disk.what)};
  }
  Opening opening{host.name + " " + disk.path, Openings::the().begin(), {}};
  opening.over = Openings::the().lost_of(opening.place);
  NbdChannelSpec spec{supervisor(host, disk, opening, call)};
  std::string login, map;
  bool begun = false;
  spec.server.serves = [&](std::string_view line) {
    begun = begun || line == landing_begins;
    if (!begun && login.size() < most_login) login += std::string(line) + "\n";
    if (!line.starts_with(serves)) return false;
    map = line.substr(serves.size());
    return true;
  };
  spec.info.size_bytes = whole_sectors(disk.size_bytes);
  spec.info.flushes = disk.use == Use::write;
  auto served = open_nbd_channel(std::move(spec), call);
  if (!served) {
    const bool ended = served.error().seen.find(mark) != std::string::npos;
    if (host.ssh && !ended) Openings::the().lost(opening.place, opening.word);
    if (host.ssh && !begun && !login.empty() && served.error().code == Errc::unavailable) {
      return runs_nothing(*host.ssh, login + served.error().seen).within(disk.what);
    }
    return classify(std::move(served).error(), host, disk);
  }
  Openings::the().forget(opening.place, opening.over);
  const bool empty = disk.empty_test == nullptr ? says_empty(map) : disk.empty_test->holds(map);
  // Looked at while no other one could write.
  return std::unique_ptr<Channel>(std::make_unique<LandingChannel>(
      host, disk, std::move(opening), std::move(*served), look_of(disk) != "no" && empty));
}

Status landing_fence(const LandingHost& host, const std::string& what, const Owner& owner,
                     const Call& call) {
  FLYT_ASSIGN(
      const Finished done,
      landing_run(host,
                  {"sh", "-c", std::string(landing_script), "flyt-landing", "fence", "-", "-",
                   owner.id, std::to_string(owner.epoch), "-", "-", "-", "-", "-", " ", ""},
                  call));
  if (done.status == 0) return ok();
  Error error{Errc::unavailable, what, done.errors};
  return classify(std::move(error), host, {.what = what});
}

}  // namespace flyt
