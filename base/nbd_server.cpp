#include "base/nbd_server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "base/durable_file.hpp"
#include "base/nbd_greeting.hpp"
#include "base/process.hpp"
#include "base/uri.hpp"

namespace flyt {
namespace {

using std::chrono::milliseconds;

// A server has nothing to do but flush when it is told to end; a slow disk may take its time.
constexpr std::chrono::seconds patience{60};
constexpr milliseconds first_look{2}, longest_look{50};

Command command_of(const NbdServerSpec& spec, const std::string& socket) {
  Command command{spec.argv, spec.environment};
  for (std::string& word : command.argv) {
    if (const auto at = word.find(nbd_socket); at != std::string::npos) {
      word.replace(at, nbd_socket.size(), socket);
    }
  }
  return command;
}

Error ended(const NbdServerSpec& spec, std::string_view what, std::string errors) {
  const std::string program = spec.argv.empty() ? "" : spec.argv.front();
  return {Errc::unavailable, fmt::format("{}: the NBD server {} {}", spec.what, program, what),
          std::move(errors)};
}

// Until it says that it serves.
Status await_word(Process& process, const NbdServerSpec& spec, const Call& call) {
  for (;;) {
    FLYT_ASSIGN(const auto line, within(spec.what, process.read_line(call)));
    if (!line) {
      // What it prints may come later than its silence, but not later than its end.
      (void)process.wait(call.within(std::chrono::seconds(2)));
      return ended(spec, "ended before it served", process.errors());
    }
    if (spec.serves(*line)) return ok();
  }
}

// Until the server accepts, or has ended without.
Result<FileDescriptor> await(Process& process, const NbdServerSpec& spec,
                             const std::filesystem::path& socket, const Call& call) {
  if (spec.serves) FLYT_TRY(await_word(process, spec, call));
  for (milliseconds pause = first_look;; pause = std::min(2 * pause, longest_look)) {
    FLYT_ASSIGN(auto connection, connect_unix(socket));
    if (connection) return std::move(*connection);
    if (!process.running()) return ended(spec, "ended before it served", process.errors());
    if (spec.serves) return ended(spec, "does not listen", process.errors());
    FLYT_TRY(wait(pause, call, fmt::format("{}: waiting for the NBD server", spec.what)));
  }
}

}  // namespace

struct NbdServer::Impl {
  NbdServerSpec spec;
  PrivateFolder folder;
  Process process;
  std::string uri;
  NbdExport served = {};
  bool over = false;
  bool early = false;  // it had ended before it was asked to
  std::optional<std::chrono::steady_clock::time_point> kill_at = {};  // nothing: not asked yet

  Status wait_for_end(const Call& call);
};

// Success: it has ended, or has had its time.
Status NbdServer::Impl::wait_for_end(const Call& call) {
  if (!kill_at) {
    early = !process.running();
    kill_at = std::chrono::steady_clock::now() + patience;
    if (spec.ends_with_input) {
      process.close_input();
    } else {
      process.ask_to_end();
    }
  }
  if (!process.running() || process.wait({call.stop, std::min(call.deadline, *kill_at)})) {
    return ok();
  }
  Status called = proceed(call, fmt::format("{}: waiting for the NBD server to flush", spec.what));
  if (called) return ok();
  called.error().state = "whether the last writes are safe is not known";
  return called;
}

NbdServer::NbdServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NbdServer::NbdServer(NbdServer&&) noexcept = default;
NbdServer& NbdServer::operator=(NbdServer&&) noexcept = default;
NbdServer::~NbdServer() = default;  // the process is ended before its folder is removed

Result<NbdServer> NbdServer::start(const NbdServerSpec& spec, const Call& call) {
  FLYT_TRY(proceed(call, spec.what));
  FLYT_ASSIGN(PrivateFolder folder, PrivateFolder::make("flyt-nbd"));
  const std::filesystem::path socket = folder.path() / "s";
  FLYT_ASSIGN(Process process, within(spec.what, Process::start(command_of(spec, socket))));
  auto impl = std::make_unique<Impl>(
      Impl{spec, std::move(folder), std::move(process), nbd_unix_uri(socket.native())});
  FLYT_ASSIGN(const FileDescriptor connection, await(impl->process, spec, socket, call));
  auto served = ask_export(connection, call);
  if (!served) {
    Error error = std::move(served.error()).within(spec.what);
    // What it prints may come later than its answer, but not later than its end.
    (void)impl->process.end(std::chrono::seconds(1));
    if (error.seen.empty()) error.seen = impl->process.errors();
    return error;
  }
  impl->served = *served;
  return NbdServer(std::move(impl));
}

const std::string& NbdServer::uri() const noexcept { return impl_->uri; }
std::uint64_t NbdServer::size_bytes() const noexcept { return impl_->served.size_bytes; }
bool NbdServer::read_only() const noexcept { return impl_->served.read_only; }
bool NbdServer::is_over() const noexcept { return impl_->over; }
int NbdServer::pid() const noexcept { return impl_->process.pid(); }

Status NbdServer::end(const Call& call) {
  if (impl_->over) return ok();
  FLYT_TRY(impl_->wait_for_end(call));
  impl_->over = true;
  FLYT_ASSIGN(const int status,
              within(impl_->spec.what, impl_->process.end(std::chrono::milliseconds(0))));
  if (impl_->early) {
    const std::string what = fmt::format("ended too early, with status {}", status);
    return ended(impl_->spec, what, impl_->process.errors());
  }
  if (status == 0) return ok();
  return ended(impl_->spec, fmt::format("ended with status {}", status), impl_->process.errors());
}

namespace {

class NbdChannel final : public Channel {
 public:
  NbdChannel(NbdChannelSpec spec, NbdServer server)
      : spec_(std::move(spec)), server_(std::move(server)) {}
  ~NbdChannel() override { (void)release({}); }  // close() is how to learn about it

  const ChannelInfo& info() const override { return spec_.info; }

  Result<std::vector<Extent>> changed(std::uint64_t from, const Call& call) override {
    if (!spec_.changed) return Channel::changed(from, call);
    return spec_.changed(from, call);
  }

  Status close(const Call& call) override { return release(call); }

 private:
  Status release(const Call& call) {
    if (released_) return ok();
    Status ended = server_.end(call);
    if (!ended && !server_.is_over()) return ended;
    released_ = true;
    Status released = spec_.released ? spec_.released() : ok();
    return ended ? std::move(released) : std::move(ended);
  }

  NbdChannelSpec spec_;
  NbdServer server_;
  bool released_ = false;
};

Status check_server(const NbdChannelSpec& spec, const NbdServer& server) {
  if (spec.info.size_bytes != 0 && spec.info.size_bytes != server.size_bytes()) {
    return Error{Errc::corrupt,
                 fmt::format("{}: the disk has {} bytes, but {} are served", spec.server.what,
                             spec.info.size_bytes, server.size_bytes())};
  }
  return spec.started ? spec.started(server.pid()) : ok();
}

}  // namespace

Result<std::unique_ptr<Channel>> open_nbd_channel(NbdChannelSpec spec, const Call& call) {
  const auto give_up = [&spec](Error error) -> Error {
    // The first error is the one to report.
    if (spec.released) (void)spec.released();
    return error;
  };
  auto server = NbdServer::start(spec.server, call);
  if (!server) return give_up(std::move(server).error());
  if (auto checked = check_server(spec, *server); !checked) {
    (void)server->end();  // as above
    return give_up(std::move(checked).error());
  }
  spec.info.uri = server->uri();
  spec.info.size_bytes = server->size_bytes();
  return std::unique_ptr<Channel>(
      std::make_unique<NbdChannel>(std::move(spec), std::move(*server)));
}

}  // namespace flyt
