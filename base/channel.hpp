// Views on the platform, and channels: open disks in our process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/machine_spec.hpp"
#include "base/progress.hpp"
#include "base/result.hpp"

namespace flyt {

// A view is an object ON THE PLATFORM: it outlives this process, and any process can find and drop
// it by name.
enum class Consistency : std::uint8_t { off, crash, quiesced };

struct ViewSpec {
  std::string machine, name;
  Owner owner;
  Consistency at_least = Consistency::crash;
};

struct ViewDisk {
  std::string disk;
  std::string change_id;  // empty: no change tracking at this view
  std::string left_out;   // why the disk is not in the view; empty: it is
};

struct View {
  std::string machine, name;
  Consistency got = Consistency::off;
  std::vector<ViewDisk> disks;  // every disk of the machine, in bus order
  std::string identity;         // of this view alone: one made anew under the name has another
};

enum class Use : std::uint8_t { read, write };

struct OpenSpec {
  std::string machine, disk;
  std::string view;   // empty: the disk itself; the machine must be off
  std::string since;  // change id: changed() lists what differs from it
  Use use = Use::read;
  Owner owner;                       // write: must have created the machine; of a view: whose it is
  ProgressSink* progress = nullptr;  // a note where the disk has to wait for its turn
};

struct Extent {
  std::uint64_t offset = 0, length = 0;
  bool zero = false;
  bool operator==(const Extent&) const = default;
};

struct ChannelInfo {
  std::string uri;  // NBD on a unix socket in a private folder; empty: stream only
  std::uint64_t size_bytes = 0;
  bool reads_zero = false;  // write: the platform guarantees zeroes until written
  bool flushes = false;     // write: flush reaches stable storage
};

// info().uri set: the mover flushes by NBD on its own connections and maps allocation by block
// status; changed() answers only with OpenSpec::since, and flush(), next(), put() say
// Errc::unsupported. No uri: only these methods.
//
// A channel lives IN THIS PROCESS (server, tunnel, lease); what could survive it is fenced by
// Owner::epoch. One thread at a time, except info().
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;  // best effort; close() reports

  virtual const ChannelInfo& info() const = 0;
  // What changed since OpenSpec::since: one page of ascending extents at or after `from`; the next
  // page is asked for from the end of the last one; an empty page: nothing more up to the disk's
  // size. Errc::unsupported: read all.
  virtual Result<std::vector<Extent>> changed(std::uint64_t from, const Call& call);
  // Streams only. Offsets ascend; the data is in the buffer unless zero; nothing: the end. A
  // broken stream is opened again and restarts at 0. REQUIRES: at least 1 MiB of buffer.
  virtual Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call);
  // Streams only. Offsets ascend.
  virtual Status put(Extent extent, std::span<const std::byte> data, const Call& call);
  // Success: all earlier writes are on stable storage. Error: nothing since the last success is
  // known to be.
  virtual Status flush(const Call& call);
  // Flushes, then releases; never drops the view. An error after a write means that the data is
  // not known to be safe. A second close succeeds.
  virtual Status close(const Call& call) = 0;
};

}  // namespace flyt
