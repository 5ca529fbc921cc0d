// What a mover does, one function each.
#pragma once

#include "movers/mover.hpp"

namespace flyt::movers {

// As Mover::copy(). copy_disk: both channels are NBD; copy_stream: at least one is a stream.
Result<CopyReport> copy_disk(const CopyRequest& request, const Call& call);
Result<CopyReport> copy_stream(const CopyRequest& request, const Call& call);

// As the methods of Mover.
Result<CommitReport> commit_overlay(const CommitRequest& request, const Call& call);
Result<ReadBackReport> read_back_disk(const ReadBackRequest& request, const Call& call);
Result<Digest> digest_disk(const DigestRequest& request, const Call& call);

}  // namespace flyt::movers
