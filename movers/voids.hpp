// Says in a manifest, before blocks are written to, that what the target holds there is not known.
#pragma once

#include <cstdint>
#include <vector>

#include "movers/manifest.hpp"

namespace flyt::movers {

// Takes the same memory for any number of blocks: what is full goes to stable storage at once.
class Voids {
 public:
  // `manifest` must outlive it; nobody else appends before finish(). `view`: for the records.
  Voids(Manifest& manifest, ViewNumber view) : manifest_(manifest), view_(view) {}

  Status add(std::uint64_t first, std::uint64_t count);
  // REQUIRES: to be called. On success all that was added is on stable storage.
  Status finish();

 private:
  Manifest& manifest_;
  ViewNumber view_;
  std::vector<Record> records_;  // neighbours joined
};

}  // namespace flyt::movers
