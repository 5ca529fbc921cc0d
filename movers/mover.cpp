#include "movers/mover.hpp"

#include "movers/operations.hpp"

namespace flyt {

namespace {

class NbdMover : public Mover {
 public:
  Result<CopyReport> copy(const CopyRequest& request, const Call& call) override {
    if (request.source == nullptr || request.target == nullptr || request.manifest.empty() ||
        request.view == conversion_view || request.view == 0) {
      return Error{Errc::invalid, "a copy needs a source, a target, a manifest and a view"};
    }
    const bool disks = !request.source->info().uri.empty() && !request.target->info().uri.empty();
    return disks ? movers::copy_disk(request, call) : movers::copy_stream(request, call);
  }

  Result<CommitReport> commit(const CommitRequest& request, const Call& call) override {
    return movers::commit_overlay(request, call);
  }

  Result<ReadBackReport> read_back(const ReadBackRequest& request, const Call& call) override {
    return movers::read_back_disk(request, call);
  }

  Result<Digest> digest(const DigestRequest& request, const Call& call) override {
    return movers::digest_disk(request, call);
  }
};

}  // namespace

std::unique_ptr<Mover> make_mover() { return std::make_unique<NbdMover>(); }

}  // namespace flyt
