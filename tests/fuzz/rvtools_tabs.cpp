// Exports of RVTools as files: encodings, columns, numbers, and the machines that they make. The
// tabs stand behind each other, with a form feed between.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "drivers/rvtools/csv.hpp"
#include "drivers/rvtools/encoding.hpp"
#include "drivers/rvtools/ground.hpp"
#include "drivers/rvtools/machines.hpp"

namespace {

using flyt::rvtools::Export;

class Pieces final : public Export {
 public:
  explicit Pieces(std::string_view text) {
    constexpr std::array names{"vInfo",     "vDisk",  "vNetwork", "vPartition", "vCPU",
                               "vSnapshot", "vTools", "vHost",    "vDatastore", "vPort",
                               "dvPort",    "vCD",    "vUSB",     "vMemory"};
    for (const char* name : names) {
      const std::size_t end = text.find('\f');
      tabs_[name] = flyt::rvtools::to_utf8(std::string(text.substr(0, end)));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
  }
  bool has(const std::string& tab) const override { return tabs_.count(tab) != 0; }
  flyt::Status read(const std::string& tab, const flyt::rvtools::RowSink& sink,
                    const flyt::Call& call) const override {
    return flyt::rvtools::read_csv(tabs_.at(tab), tab, sink, call);
  }

 private:
  std::map<std::string, std::string> tabs_;
};

template <typename Thing>
void must_differ(const std::vector<Thing>& all) {
  std::set<std::string> ids;
  for (const Thing& one : all) {
    if (one.id.empty() || !ids.insert(one.id).second) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Pieces from(std::string_view(reinterpret_cast<const char*>(data), size));
  auto sources = flyt::rvtools::Sources::read(from, "", {});
  if (!sources) return 0;
  auto ground = flyt::rvtools::Ground::read(from, sources->vcenter().uuid, {});
  if (!ground || !sources->add_tabs(from, {})) return 0;
  const auto machines = std::move(*sources).complete(*ground);
  must_differ(machines);
  for (const flyt::Machine& machine : machines) must_differ(machine.disks);
  return 0;
}
