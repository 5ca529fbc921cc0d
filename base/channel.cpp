#include "base/channel.hpp"

namespace flyt {
namespace {

Error not_here(const char* what) { return {Errc::unsupported, what}; }

}  // namespace

Result<std::vector<Extent>> Channel::changed(std::uint64_t, const Call&) {
  return not_here("this channel does not know what has changed");
}

Result<std::optional<Extent>> Channel::next(std::span<std::byte>, const Call&) {
  return not_here("this channel is not read as a stream");
}

Status Channel::put(Extent, std::span<const std::byte>, const Call&) {
  return not_here("this channel is not written as a stream");
}

Status Channel::flush(const Call&) {
  return not_here("this channel is flushed by its NBD connections");
}

}  // namespace flyt
