#include <atomic>
#include <memory>
#include <utility>

#include "tests/catch.hpp"
#include "tests/faults/plans/fake_converter.hpp"
#include "tests/faults/plans/passing.hpp"
#include "tests/faults/plans/scene.hpp"

namespace flyt::tests {
namespace {

// Knows whether guests run under KVM only once it has looked at its platform, as libvirt's does.
class LearnsOfKvm final : public Passing {
 public:
  using Passing::Passing;

  DriverInfo info() const override {
    DriverInfo info = Passing::info();
    info.kvm = looked_;
    return info;
  }
  Result<Inventory> inventory(const Scope& scope, const Call& call) override {
    looked_ = true;
    return Passing::inventory(scope, call);
  }

 private:
  std::atomic<bool> looked_ = false;
};

class NotesKvm final : public Converter {
 public:
  Result<Conversion> convert(const ConvertRequest& request, const Call& call) override {
    with += request.kvm ? 1 : 0;
    without += request.kvm ? 0 : 1;
    return converter_->convert(request, call);
  }
  Result<std::unique_ptr<Channel>> open_overlay(const ConvertedDisk& disk, Channel& base,
                                                const Call& call) override {
    return converter_->open_overlay(disk, base, call);
  }

  std::atomic<int> with = 0, without = 0;

 private:
  std::unique_ptr<Converter> converter_ = make_fake_converter();
};

}  // namespace

TEST_CASE("a conversion may use KVM that the target told of during this apply",
          "[faults][executor]") {
  if (cannot_run()) FLYT_SKIP("needs nbdkit and qemu-io");
  const Scene scene(true);
  Worker worker(scene);
  LearnsOfKvm target(std::move(worker.target));
  NotesKvm converter;
  worker.crew.target = &target;
  worker.crew.converter = &converter;
  REQUIRE(all(worker.apply(scene), MachineState::landed));
  CHECK(converter.with == 2);
  CHECK(converter.without == 0);
}

}  // namespace flyt::tests
