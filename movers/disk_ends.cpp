#include "movers/disk_ends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "movers/block.hpp"

namespace flyt::movers {

namespace {

constexpr unsigned max_loops = 4;
constexpr std::size_t pool_blocks = 16;  // half of what a call may use

// Further connections are a matter of speed: without them it goes on.
void add_connections(Connections& to, std::size_t count, const Channel& channel, Side side,
                     const Call& call) {
  while (to.size() < count) {
    auto more =
        NbdConnection::connect(channel.info().uri, side, call.within(std::chrono::seconds(5)));
    if (!more) return;
    to.push_back(*std::move(more));
  }
}

std::size_t wanted_loops(const PassState& pass, const Connections& sources,
                         const Connections* targets) {
  const bool several = sources.front()->server().can_multi_conn &&
                       (targets == nullptr || targets->front()->server().can_multi_conn);
  if (!several) return 1;
  const unsigned wanted = pass.in().tuning->loops;
  const std::size_t loops =
      wanted != 0 ? wanted : std::clamp(std::thread::hardware_concurrency(), 1U, max_loops);
  return std::min(
      {loops, pool_blocks, static_cast<std::size_t>(1 + block_count(pass.in().length) / 8)});
}

}  // namespace

Result<Connections> connect(const Channel& channel, Side side, const Call& call) {
  FLYT_ASSIGN(auto first, NbdConnection::connect(channel.info().uri, side, call));
  if (first->server().size < channel.info().size_bytes) {
    return Error{Errc::corrupt,
                 fmt::format("the {}'s server has {} bytes where the platform says {}",
                             side == Side::source ? "source" : "target", first->server().size,
                             channel.info().size_bytes)};
  }
  Connections connections;
  connections.push_back(std::move(first));
  return connections;
}

Result<Connections> connect_target(const Channel& channel, std::uint64_t length, const Call& call) {
  FLYT_ASSIGN(Connections connections, connect(channel, Side::target, call));
  const NbdExport& target = connections.front()->server();
  if (target.size < length) {
    return Error{Errc::invalid,
                 fmt::format("the target has {} bytes, the source {}", target.size, length),
                 {},
                 {},
                 "nothing was written",
                 {"give the target's disk at least the source's size"}};
  }
  if (target.read_only) return Error{Errc::denied, "the target's server is read-only"};
  if (!target.can_flush) {
    return Error{Errc::unsupported,
                 "the target's server cannot flush: nothing could be proven",
                 {},
                 {},
                 "nothing was written"};
  }
  return connections;
}

Status zero_tail(NbdConnection& target, std::uint64_t length, const Call& call) {
  const std::uint64_t unit = target.server().min_request, size = target.server().size;
  // The last block's write pads up to the next unit.
  const Range tail{std::min(size, (length + unit - 1) / unit * unit), size};
  FLYT_ASSIGN(const bool clean, reads_zero(target, tail, call));
  if (clean) return ok();
  FLYT_TRY(target.zero(tail.begin, tail.end - tail.begin, call));
  FLYT_TRY(target.flush(call));
  FLYT_ASSIGN(const bool zeroed, reads_zero(target, tail, call));
  if (zeroed) return ok();
  return Error{Errc::corrupt, "the target does not read as zero behind the source's end",
               fmt::format("bytes {} to {}", tail.begin, tail.end),
               "the target acknowledges zeroes and keeps other bytes"};
}

Status run_loops(PassState& pass, const Channel& source, Connections& sources,
                 const Channel* target, Connections* targets) {
  std::size_t count = wanted_loops(pass, sources, targets);
  if (targets != nullptr) {
    add_connections(*targets, count, *target, Side::target, pass.call());
    count = std::min(count, targets->size());
  }
  add_connections(sources, count, source, sources.front()->side(), pass.call());
  count = std::min(count, sources.size());
  const std::size_t depth = std::clamp<std::size_t>(pass.in().tuning->blocks_in_flight, 1,
                                                    std::max<std::size_t>(1, pool_blocks / count));
  FLYT_ASSIGN(const BlockPool pool, BlockPool::make(count * depth));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      NbdConnection* to = targets != nullptr ? (*targets)[i].get() : nullptr;
      threads.emplace_back([&pass, &pool, from = sources[i].get(), to, i, depth] {
        Loop(pass, *from, to, pool, i * depth, depth).run();
      });
    }
  }
  // A server that does not answer still has our buffers: its connections end before the memory.
  if (pass.stopping()) {
    sources.clear();
    if (targets != nullptr && pass.target_lost()) targets->clear();
    if (targets != nullptr && targets->size() > 1) targets->resize(1);
  }
  return ok();
}

Result<bool> reads_zero(NbdConnection& disk, Range range, const Call& call) {
  if (range.begin >= range.end) return true;
  ExtentList data;
  FLYT_TRY(disk.map(range, data, call));
  std::vector<std::byte> buffer(block_bytes);
  for (const Range& part : data.ranges()) {
    for (std::uint64_t at = part.begin; at < part.end; at += block_bytes) {
      const auto piece = std::span(buffer).first(std::min(part.end - at, block_bytes));
      FLYT_TRY(disk.read(at, piece, call));
      if (!is_zero(piece)) return false;
    }
  }
  return true;
}

}  // namespace flyt::movers
