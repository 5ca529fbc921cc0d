// Copies by flyt's mover.
#pragma once

#include <filesystem>

#include "movers/mover.hpp"
#include "tests/bench/ends.hpp"

namespace flyt::bench {

// An End as the mover takes it.
class Disk : public Channel {
 public:
  explicit Disk(const End& end) {
    info_.uri = end.uri;
    info_.size_bytes = end.size_bytes;
  }
  const ChannelInfo& info() const override { return info_; }
  Status close(const Call&) override { return ok(); }

 private:
  ChannelInfo info_;
};

// False, and the error told on standard error: it failed. For in_child().
bool copy_by_engine(const CopyRequest& request);
// Tells the error as copy_by_engine() does, and is false.
bool say(const Error& error);

}  // namespace flyt::bench
