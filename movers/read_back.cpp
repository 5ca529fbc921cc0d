#include <fmt/format.h>

#include <vector>

#include "movers/block.hpp"
#include "movers/disk_ends.hpp"
#include "movers/feed.hpp"
#include "movers/merkle.hpp"
#include "movers/operations.hpp"
#include "movers/trust.hpp"

namespace flyt::movers {

namespace {

class RootSink : public Sink {
 public:
  void seen(const Item& item, const Digest& digest) override { tree.add(digest, item.count); }
  Merkle tree;
};

// Counts what is as the manifest says, and what is not.
class ReadBackSink : public Sink {
 public:
  ReadBackSink(const Manifest& manifest, ReadBackReport& report)
      : cursor_(manifest), report_(report) {}

  void seen(const Item& item, const Digest& digest) override {
    tree.add(digest, item.count);
    report_.blocks += item.count;
    const Segment segment = cursor_.at(item.first);
    if (item.known == digest) {
      (segment.conversion ? report_.equal_conversion : report_.equal_source) += item.count;
      return;
    }
    report_.different_blocks += item.count;
    for (std::uint64_t i = 0; i < item.count && report_.different.size() < 16; ++i) {
      report_.different.push_back(item.first + i);
    }
  }
  Merkle tree;

 private:
  Manifest::Cursor cursor_;
  ReadBackReport& report_;
};

struct ReadAll {
  const Channel* disk;
  std::uint64_t length;
  const Manifest* manifest;  // may be null
  const CopyTuning* tuning;
  ProgressSink* progress;
};

Status read_all(const ReadAll& what, Connections& connections, Sink& sink, const Call& call) {
  FLYT_ASSIGN(const ExtentList data, map_disk(*connections.front(), what.length, call));
  const WorkInput input{Pass::check, what.length, 0, &data, nullptr, what.manifest};
  if (what.progress != nullptr) {
    FLYT_ASSIGN(const WorkTotal total, add_up(input, nullptr));
    what.progress->total(total.data_bytes);
  }
  Work work(input);
  PassState pass(
      {&work, what.length, 0, false, nullptr, nullptr, &sink, what.tuning, what.progress}, call);
  FLYT_TRY(run_loops(pass, *what.disk, connections, nullptr, nullptr));
  if (auto error = pass.error()) return *std::move(error);
  return ok();
}

Result<Digest> digest_stream(const DigestRequest& request, const Call& call) {
  const std::uint64_t length = request.source->info().size_bytes;
  const auto feed = make_stream_feed(*request.source);
  std::vector<std::byte> buffer(block_bytes);
  Merkle tree;
  if (request.progress != nullptr) request.progress->total(length);
  for (;;) {
    FLYT_ASSIGN(const auto part, feed->next(buffer, call));
    if (!part) return tree.root(length);
    const std::uint64_t size = block_size(part->first, length);
    tree.add(part->zero ? zero_digest(size) : sha256(std::span(buffer).first(size)), part->count);
    if (request.progress != nullptr) request.progress->advance(part->count * size);
  }
}

}  // namespace

Result<Digest> digest_disk(const DigestRequest& request, const Call& call) {
  if (request.source == nullptr) return Error{Errc::invalid, "a digest needs a source"};
  if (request.source->info().uri.empty()) return digest_stream(request, call);
  const std::uint64_t length = request.source->info().size_bytes;
  FLYT_ASSIGN(Connections connections, connect(*request.source, Side::source, call));
  RootSink sink;
  FLYT_TRY(read_all({request.source, length, nullptr, &request.tuning, request.progress},
                    connections, sink, call));
  return sink.tree.root(length);
}

Result<ReadBackReport> read_back_disk(const ReadBackRequest& request, const Call& call) {
  if (request.target == nullptr) return Error{Errc::invalid, "a read-back needs a target"};
  if (request.target->info().uri.empty()) {
    return Error{Errc::unsupported, "a stream cannot be read back"};
  }
  FLYT_ASSIGN(const Manifest manifest,
              Manifest::open({request.manifest, request.length, 0, false}));
  ReadBackReport report;
  FLYT_ASSIGN(report.expected_root, manifest.root(Manifest::Layer::target));
  FLYT_ASSIGN(report.source_root, manifest.root(Manifest::Layer::source));
  FLYT_ASSIGN(Connections connections, connect(*request.target, Side::target, call));
  const std::uint64_t size = connections.front()->server().size;
  if (size < request.length) {
    return Error{Errc::corrupt,
                 fmt::format("the target has {} bytes, the source had {}", size, request.length)};
  }
  FLYT_ASSIGN(report.tail_zero, reads_zero(*connections.front(), {request.length, size}, call));
  ReadBackSink sink(manifest, report);
  FLYT_TRY(read_all({request.target, request.length, &manifest, &request.tuning, request.progress},
                    connections, sink, call));
  report.read_root = sink.tree.root(request.length);
  return report;
}

}  // namespace flyt::movers
