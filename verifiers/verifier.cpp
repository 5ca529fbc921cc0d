#include "verifiers/verifier.hpp"

#include "verifiers/ground.hpp"
#include "verifiers/probe.hpp"
#include "verifiers/registry.hpp"

namespace flyt {
namespace {

class BuiltInVerifier final : public Verifier {
 public:
  std::vector<Verdict> judge_ground(const GroundQuestion& question) const override {
    return flyt::judge_ground(question, ProviderRegistry::built_in());
  }
  ProbeResult probe(const Probe& probe, const Call& call) const override {
    return run_probe(probe, call);
  }
};

}  // namespace

std::unique_ptr<Verifier> make_verifier() { return std::make_unique<BuiltInVerifier>(); }

}  // namespace flyt
