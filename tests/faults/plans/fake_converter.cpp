#include "tests/faults/plans/fake_converter.hpp"

#include <fmt/format.h>

#include "base/nbd_server.hpp"
#include "base/process.hpp"
#include "movers/convert/overlay_map.hpp"

namespace flyt::tests {
namespace {

class FakeConverter final : public Converter {
 public:
  Result<Conversion> convert(const ConvertRequest& request, const Call& call) override {
    std::error_code failed;
    std::filesystem::remove_all(request.folder, failed);
    FLYT_TRY(make_private_folder(request.folder));
    Conversion conversion{.program = "fake 1"};
    for (std::size_t i = 0; i < request.bases.size(); ++i) {
      const std::string overlay = request.folder / fmt::format("{}.qcow2", i);
      FLYT_TRY(check({{"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                       request.bases[i]->info().uri, overlay}},
                     call));
      FLYT_TRY(check({{"qemu-io", "-f", "qcow2", "-c",
                       fmt::format("write -P {} 0 {}", int{fake_byte}, fake_change), overlay}},
                     call));
      conversion.disks.push_back({overlay, {{0, fake_change}}});
    }
    return conversion;
  }

  Result<std::unique_ptr<Channel>> open_overlay(const ConvertedDisk& disk, Channel& base,
                                                const Call& call) override {
    FLYT_TRY(check_unlocked({"qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b",
                             base.info().uri, disk.overlay.native()},
                            call));
    NbdChannelSpec spec;
    spec.server = {{"qemu-nbd", "-t", "-r", "-e", "8", "-f", "qcow2", "-k", std::string(nbd_socket),
                    disk.overlay.native()},
                   {},
                   "the fake overlay"};
    return open_nbd_channel(std::move(spec), call);
  }
};

}  // namespace

std::unique_ptr<Converter> make_fake_converter() { return std::make_unique<FakeConverter>(); }

}  // namespace flyt::tests
