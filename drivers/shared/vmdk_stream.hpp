// A streamOptimized VMDK that comes as one sequence: out of gzip, or over an export lease.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/call.hpp"
#include "base/channel.hpp"
#include "base/result.hpp"
#include "drivers/shared/vmdk.hpp"

namespace flyt {

class ByteStream;

struct VmdkStreamSpec {
  std::string what;  // begins errors: "web01.ova: web01-disk1.vmdk.gz"
  // What the disk's size must be. Nothing: what the header says.
  std::optional<std::uint64_t> size_bytes;
};

// One thread at a time. Memory: some MiB, and 20 bytes for each table (640 KiB for 1 TiB).
class VmdkStream {
 public:
  // Reads the header and what lies before the first grain. Errc::corrupt, Errc::unsupported as
  // inspect_vmdk(), and for an image that is not streamOptimized.
  static Result<VmdkStream> open(std::unique_ptr<ByteStream> source, const VmdkStreamSpec& spec,
                                 const Call& call);
  VmdkStream(VmdkStream&&) noexcept;
  VmdkStream& operator=(VmdkStream&&) noexcept;
  ~VmdkStream();

  const VmdkHeader& header() const noexcept;
  // As Channel::next(): ascending, without gaps, up to the disk's size; then the rest of the source
  // is read to its end and judged (footer, end marker, all promised grains came), and nothing is
  // returned. Errc::corrupt: what came before is not to be trusted either. Errors repeat.
  // REQUIRES: at least 1 MiB of buffer.
  Result<std::optional<Extent>> next(std::span<std::byte> buffer, const Call& call);

 private:
  struct Impl;
  explicit VmdkStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace flyt
