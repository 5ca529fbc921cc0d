// Export leases in tests: whole disks, read from the lab.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "drivers/vsphere/lease.hpp"
#include "tests/vsphere/lab_session.hpp"

namespace flyt::tests {

// Writes the stream into `path`, a raw image; its extents must follow each other without gaps.
inline Status save(Channel& channel, const std::filesystem::path& path, const Call& call) {
  std::ofstream file(path, std::ios::binary);
  std::vector<std::byte> buffer(static_cast<std::size_t>(mib));
  for (std::uint64_t at = 0;;) {
    FLYT_ASSIGN(const auto extent, channel.next(buffer, call));
    if (!extent) break;
    if (extent->offset != at) return Error{Errc::internal, "the stream has a gap"};
    at += extent->length;
    if (extent->zero) continue;
    file.seekp(static_cast<std::streamoff>(extent->offset));
    file.write(reinterpret_cast<const char*>(buffer.data()),
               static_cast<std::streamsize>(extent->length));
  }
  file.close();
  std::filesystem::resize_file(path, channel.info().size_bytes);
  return file ? ok() : Status(Error{Errc::internal, "the image cannot be written"});
}

class LeaseSource : public LabSession {
 public:
  using LabSession::LabSession;

  // `snapshot`: its reference; empty: the machine itself.
  vsphere::LeaseSpec spec(const std::string& machine, std::size_t disk,
                          const std::string& snapshot = {}) {
    const nlohmann::json known = state(machine);
    const nlohmann::json& one = known.at("disks").at(disk);
    vsphere::LeaseSpec spec;
    spec.machine = {"VirtualMachine", known.at("moref")};
    if (!snapshot.empty()) spec.snapshot = {"VirtualMachineSnapshot", snapshot};
    spec.disk_key = std::to_string(one.at("key").get<std::int64_t>());
    spec.size_bytes = one.at("size");
    spec.what = fmt::format("{}: disk {}", machine, disk);
    return spec;
  }
  std::string take_snapshot(const std::string& machine, const std::string& name) {
    return lab().control("POST", "/snapshot", {{"vm", machine}, {"name", name}}).at("moref");
  }
  Result<std::unique_ptr<Channel>> open(const std::string& machine, std::size_t disk,
                                        const Call& call = in_time()) {
    return vsphere::open_lease(session(), spec(machine, disk), call);
  }

  // Whether the image equals the disk, as the lab knows it.
  bool equal(const std::string& machine, std::size_t disk, const std::filesystem::path& image,
             const std::string& what = "live") {
    return lab()
        .control("GET", fmt::format("/compare?vm={}&disk={}&what={}&path={}", machine, disk, what,
                                    image.string()))
        .at("equal");
  }
};

}  // namespace flyt::tests
