// The contract for making a guest bootable on the target, in an overlay over its synced disks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/machine.hpp"
#include "base/progress.hpp"

namespace flyt {

struct ConvertRequest {
  Machine source;               // as the source described it
  std::vector<Channel*> bases;  // read channels of the target's disks, in bus order
  std::filesystem::path
      folder;        // overlays/<migration id>; what is there of an earlier try is removed
  bool kvm = false;  // the appliance may use KVM
  ProgressSink* progress = nullptr;
};

struct ConvertedDisk {
  std::filesystem::path overlay;  // qcow2 over the base's NBD socket; absolute
  std::vector<Extent> changed;    // ascending; without what trims would have discarded
};

struct Conversion {
  std::vector<ConvertedDisk> disks;
  std::string program;  // "virt-v2v-in-place 2.2.0"
  std::filesystem::path log;
  std::vector<std::string> warnings;
};

// The bases are only read. A failure leaves nothing but the folder, and can be tried again with no
// recopy. Thread-safe; runs at most one appliance at a time.
class Converter {
 public:
  virtual ~Converter() = default;
  virtual Result<Conversion> convert(const ConvertRequest& request, const Call& call) = 0;
  // An overlay as a read channel, over `base` whose socket may have moved since convert().
  virtual Result<std::unique_ptr<Channel>> open_overlay(const ConvertedDisk& disk, Channel& base,
                                                        const Call& call) = 0;
};

std::unique_ptr<Converter> make_v2v_converter();

}  // namespace flyt
