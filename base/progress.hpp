// How library code tells what it is doing. No terminal, no log: cli/ decides how it looks.
#pragma once

#include <cstdint>
#include <string_view>

namespace flyt {

// Thread-safe; must return quickly. The default does nothing.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // How much there is to do, in bytes of the disk that count; may be said again.
  virtual void total(std::uint64_t) {}
  // How much more is done, of the bytes that total() counted.
  virtual void advance(std::uint64_t) {}
  // One line for people, a phase or something worth knowing.
  virtual void note(std::string_view) {}
};

}  // namespace flyt
