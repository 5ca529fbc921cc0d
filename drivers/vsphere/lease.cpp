#include "drivers/vsphere/lease.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/units.hpp"
#include "drivers/shared/byte_source.hpp"
#include "drivers/shared/vmdk_stream.hpp"
#include "drivers/vsphere/byte_pipe.hpp"
#include "drivers/vsphere/export_lease.hpp"
#include "drivers/vsphere/properties.hpp"

namespace flyt::vsphere {
namespace {

constexpr std::uint64_t pipe_bytes = 4 * mib;
constexpr std::chrono::seconds connect_patience{15};
// A host sends nothing while it passes over what is zero, which takes its time on a large disk.
constexpr std::chrono::minutes stall_patience{15};
constexpr std::size_t shown_body = 200;

// What is to be exported, as it is now.
struct Subject {
  bool off = false;
  Devices devices;
};

Result<Subject> look_at(Session& session, const LeaseSpec& spec, const Call& call) {
  const bool is_machine = spec.snapshot.empty();
  const Ref& ref = is_machine ? spec.machine : spec.snapshot;
  PropertySpec wanted{ref.type, {"config.hardware"}};
  if (is_machine) wanted.paths.emplace_back("runtime.powerState");
  std::optional<Subject> found;
  const auto look = [&](const Object& object) {
    found = Subject{object.text("runtime.powerState") == "poweredOff",
                    devices_of(object.at("config.hardware"), {})};
    return ok();
  };
  FLYT_TRY(within(spec.what, each_of(session, {ref}, wanted, look, call)));
  if (!found) {
    return Error{Errc::not_found, fmt::format("{}: {} is not there", spec.what, ref.value)};
  }
  return *std::move(found);
}

Error runs(const LeaseSpec& spec) {
  return {Errc::unavailable,
          fmt::format("{}: the machine is not off", spec.what),
          {},
          "a disk that is being written to can only be exported through a snapshot",
          "the source was only read",
          {"shut the machine down, or let the copy begin with a snapshot"}};
}

Result<DeviceDisk> disk_of(const Subject& subject, const LeaseSpec& spec) {
  const auto& disks = subject.devices.disks;
  const auto found = std::find_if(disks.begin(), disks.end(),
                                  [&](const DeviceDisk& one) { return one.key == spec.disk_key; });
  if (found == disks.end()) {
    return Error{Errc::not_found,
                 fmt::format("{}: no disk has the key {}", spec.what, spec.disk_key)};
  }
  if (const std::string why = left_out_of_views(*found); !spec.snapshot.empty() && !why.empty()) {
    return Error{
        Errc::unsupported, fmt::format("{}: the snapshot does not hold it", spec.what), {}, why};
  }
  return *found;
}

Error status_error(const HttpResponse& response, const LeaseSource& source,
                   const std::string& what) {
  Error error{Errc::unavailable, fmt::format("{}: the host does not send the disk", what),
              fmt::format("HTTP {} {} from {}", response.status, response.reason, source.host)};
  error.state = "the source was only read";
  if (!response.body.empty()) error.seen += ": " + response.body.substr(0, shown_body);
  switch (response.status) {
    case 401:
    case 404:
      error.why = "the lease or the session has ended";
      error.remedy = {"try again: the disk is then read from its beginning"};
      break;
    case 500:
      error.why = "another program reads or holds the disk (a backup, the datastore browser?)";
      error.remedy = {"try again when the other program has finished"};
      break;
    case 503:
      error.why = "the host serves as many transfers as it can";
      error.remedy = {"try again later, or allow fewer connections: limits = { connections = 1 }"};
      break;
    case 403:
      error.code = Errc::denied;
      break;
    default:
      // What neither end can help by waiting.
      if (response.status < 500) error.code = Errc::unsupported;
  }
  return error;
}

// What libcurl says, for those who see neither the URL nor the lease.
Error transfer_error(Error error, const LeaseSource& source, std::uint64_t received) {
  if (error.code == Errc::denied) {
    if (!source.own_server) {
      error.remedy = {
          fmt::format("compare the certificate of {} with what vSphere knows of it, and "
                      "let vSphere connect to the host anew",
                      source.host)};
    }
    return error;
  }
  if (error.code == Errc::timed_out) error.code = Errc::unavailable;
  if (error.code != Errc::unavailable) return error;
  error.seen = received == 0 ? fmt::format("reading from {}", source.host)
                             : fmt::format("after {} bytes from {}", received, source.host);
  error.state = "the source was only read";
  error.remedy = {"try again: the disk is then read from its beginning"};
  if (received == 0 && !source.own_server) {
    error.remedy = {
        fmt::format("vSphere lets its ESXi hosts send their disks: the name {} and its "
                    "port 443 must be reachable from here",
                    source.host)};
  }
  return error;
}

// Runs in a thread of its own; the errors come out of the pipe.
void pump(const std::stop_token& stop, const LeaseSource& source, const Secret& cookie,
          const std::string& what, BytePipe& pipe) {
  const Call call{stop};
  std::uint64_t received = 0;
  HttpRequest request;
  request.url = source.url;
  request.title = what;
  if (!cookie.empty()) request.secret_headers.emplace_back("Cookie", cookie);
  request.download = [&](std::span<const std::byte> data) {
    received += data.size();
    return pipe.put(data, call);
  };
  Http http(source.trust, connect_patience, stall_patience);
  auto response = http.request(request, call);
  if (!response) {
    pipe.fail(transfer_error(std::move(response).error(), source, received));
  } else if (response->status < 200 || response->status > 299) {
    pipe.fail(status_error(*response, source, what));
  } else {
    pipe.end();
  }
}

class PipeStream final : public ByteStream {
 public:
  explicit PipeStream(std::shared_ptr<BytePipe> pipe) : pipe_(std::move(pipe)) {}
  Result<std::size_t> read(std::span<std::byte> out, const Call& call) override {
    return pipe_->read(out, call);
  }

 private:
  std::shared_ptr<BytePipe> pipe_;
};

class LeaseChannel final : public Channel {
 public:
  LeaseChannel(std::unique_ptr<ExportLease> lease, const LeaseSpec& spec)
      : lease_(std::move(lease)),
        pipe_(std::make_shared<BytePipe>(pipe_bytes, spec.what)),
        what_(spec.what) {
    info_.size_bytes = spec.size_bytes;
  }

  Status start(const LeaseSource& source, const Secret& cookie, const Call& call) {
    lease_->keep([pipe = pipe_](Error error) { pipe->fail(std::move(error)); });
    pump_ = std::jthread([pipe = pipe_, source, cookie, what = what_](const std::stop_token& stop) {
      pump(stop, source, cookie, what, *pipe);
    });
    auto stream =
        VmdkStream::open(std::make_unique<PipeStream>(pipe_), {what_, info_.size_bytes}, call);
    if (!stream) return explained(std::move(stream).error(), call);
    stream_.emplace(*std::move(stream));
    return ok();
  }

  const ChannelInfo& info() const override { return info_; }

  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call) override {
    if (closed_) return Error{Errc::invalid, fmt::format("{}: the channel is closed", what_)};
    auto extent = stream_->next(buffer, call);
    if (!extent) return explained(std::move(extent).error(), call);
    if (*extent) {
      const std::uint64_t done = (*extent)->offset + (*extent)->length;
      lease_->set_percent(static_cast<int>(100.0 * static_cast<double>(done) /
                                           static_cast<double>(info_.size_bytes)));
      return extent;
    }
    FLYT_TRY(lease_->complete(call));
    return extent;
  }

  Status close(const Call&) override {
    if (std::exchange(closed_, true)) return ok();
    pump_.request_stop();
    if (pump_.joinable()) pump_.join();
    return lease_->abort();
  }

 private:
  // A lease that is over cuts the stream in some way or other; that is then the reason, and not
  // what the stream looked like.
  Error explained(Error error, const Call& call) {
    if (!proceed(call, what_)) return error;
    if (auto why = lease_->why_over(call)) return *std::move(why);
    if (error.code == Errc::corrupt) {
      error.state = "the source was only read; what was copied of this disk is not to be trusted";
      error.remedy = {"copy again; if it repeats, read the disk another way:",
                      "transport = \"ranges\""};
    }
    return error;
  }

  std::unique_ptr<ExportLease> lease_;
  std::shared_ptr<BytePipe> pipe_;
  std::string what_;
  ChannelInfo info_;
  std::jthread pump_;
  std::optional<VmdkStream> stream_;
  bool closed_ = false;
};

}  // namespace

Result<std::unique_ptr<Channel>> open_lease(Session& session, const LeaseSpec& spec,
                                            const Call& call) {
  FLYT_ASSIGN(const Subject subject, look_at(session, spec, call));
  if (spec.snapshot.empty() && !subject.off) return runs(spec);
  FLYT_ASSIGN(const DeviceDisk disk, disk_of(subject, spec));
  FLYT_ASSIGN(auto lease,
              ExportLease::begin(session, spec.machine, spec.snapshot, spec.what, call));
  FLYT_ASSIGN(const LeaseUrl url,
              url_of_disk(lease->info(), disk, subject.devices.disks, spec.what));
  const ServerConfig& server = session.config();
  FLYT_ASSIGN(const LeaseSource source, source_of(url, server.url, server.trust, spec.what));
  Secret cookie;
  if (source.own_server) {
    FLYT_ASSIGN(cookie, within(spec.what, session.cookie(call)));
  }
  auto channel = std::make_unique<LeaseChannel>(std::move(lease), spec);
  FLYT_TRY(channel->start(source, cookie, call));
  return std::unique_ptr<Channel>(std::move(channel));
}

}  // namespace flyt::vsphere
