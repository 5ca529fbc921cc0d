#include <fmt/format.h>

#include "base/bare_volume.hpp"
#include "base/identity.hpp"
#include "planners/concerns.hpp"
#include "planners/draft.hpp"
#include "planners/mapping.hpp"

namespace flyt {
namespace {

class VolumeDrafter {
 public:
  VolumeDrafter(const PlanInput& input, const Volume& volume)
      : input_(input), volume_(volume), kind_(volume.kind == "base" ? "disk" : volume.kind) {}

  Draft draft() {
    PlannedMachine& planned = draft_.machine;
    planned.source = bare_machine(volume_);
    planned.migration_id =
        migration_id(input_.site->id, input_.source->platform_id, planned.source.uuid);
    planned.convert_why = "a volume without a machine is moved as it is";
    planned.copy_bytes = volume_.size_bytes;
    if (!volume_.left_out.empty()) raise("M-DISK-UNREADABLE", volume_.left_out);
    if (volume_.size_bytes == 0) raise("M-DISK-SIZE", "it is empty, or its size is not known");
    describe();
    return std::move(draft_);
  }

 private:
  void raise(std::string_view code, std::string text, std::string remedy = {}) {
    draft_.concerns.push_back(concern(code, volume_.name, std::move(text), std::move(remedy)));
  }

  void describe() {
    MachineSpec& spec = draft_.machine.spec;
    spec.owner.id = draft_.machine.migration_id;
    spec.bare = kind_;
    spec.name = kind_ == "disk" ? without_format(volume_.name) : volume_.name;
    spec.cpus = 0;
    const std::string storage = storage_name(*input_.source, volume_.storage);
    const auto mapped = map_volume(*input_.site, *input_.target, storage, kind_);
    if (!mapped.exists) {
      raise("T-VOLUME-STORAGE",
            mapped.to ? fmt::format("storage \"{}\" of {} takes no {}", *mapped.to,
                                    input_.target->endpoint, kind_)
                      : fmt::format("storage \"{}\" is mapped to none of {} that takes {}", storage,
                                    input_.target->endpoint, kind_),
            mapped.line);
    }
    spec.disks.push_back(
        {.size_bytes = volume_.size_bytes, .storage = mapped.to.value_or(std::string())});
    draft_.machine.placement_why = fmt::format("{} ({})", mapped.to.value_or("none"), mapped.why);
  }

  const PlanInput& input_;
  const Volume& volume_;
  const std::string kind_;  // on the target
  Draft draft_;
};

}  // namespace

std::string without_format(const std::string& name) {
  for (const std::string_view end : {".qcow2", ".raw", ".img", ".vmdk"}) {
    if (name.size() > end.size() && name.ends_with(end)) {
      return name.substr(0, name.size() - end.size());
    }
  }
  return name;
}

Draft draft_volume(const PlanInput& input, const Volume& volume) {
  return VolumeDrafter(input, volume).draft();
}

}  // namespace flyt
