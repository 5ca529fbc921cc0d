// Replication of a machine's disks to another node, which ZFS alone can.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/uri.hpp"
#include "drivers/proxmox/enrol_parts.hpp"
#include "drivers/proxmox/property_string.hpp"
#include "drivers/proxmox/tasks.hpp"

namespace flyt::proxmox {
namespace {

constexpr const char* jobs_path = "/cluster/replication";
constexpr std::chrono::minutes removal_patience{5};  // a node looks once a minute

std::string path_of(const std::string& job) { return fmt::format("{}/{}", jobs_path, job); }

Result<std::vector<Row>> jobs_of(Api& api, const MachineHere& here, const Call& call) {
  FLYT_ASSIGN(std::vector<Row> rows, api.get_rows(jobs_path, "listing the replication jobs", call));
  const auto other = [&](const Row& row) { return !row.text("id").starts_with(here.vmid + "-"); };
  rows.erase(std::remove_if(rows.begin(), rows.end(), other), rows.end());
  return rows;
}

const Row* job_to(const std::vector<Row>& jobs, const std::string& target) {
  const auto found = std::find_if(jobs.begin(), jobs.end(), [&](const Row& row) {
    return row.text("target") == target && !row.has("remove_job");
  });
  return found == jobs.end() ? nullptr : &*found;
}

std::string free_id(const std::vector<Row>& jobs, const std::string& vmid) {
  for (unsigned number = 0;; ++number) {
    std::string id = fmt::format("{}-{}", vmid, number);
    if (find_row(jobs, "id", id) == nullptr) return id;
  }
}

// Those of the machine's volumes, those beside its disks (UEFI's variables) too.
std::set<std::string> storages_of(const Row& config) {
  std::set<std::string> storages;
  for (const auto& [key, value] : config.values) {
    if (!disk_bus(key) && key != "efidisk0" && key != "tpmstate0") continue;
    const PropertyString drive(value, "file");
    const VolumeId volume = VolumeId::parse(drive.get("file"));
    if (drive.get("media") != "cdrom" && !volume.storage.empty()) storages.insert(volume.storage);
  }
  return storages;
}

Error cannot(const Enrolling& in, std::string why) {
  return {Errc::unsupported,
          fmt::format("{} cannot be replicated to {}", in.facts.config.machine.name,
                      in.wanted.replicate_to),
          "",
          std::move(why),
          "nothing of what comes after landing was begun",
          {"[map.storages] to a ZFS storage that both nodes have; or leave replicate_to out"}};
}

}  // namespace

Status look_for_replica(const Enrolling& in) {
  const std::string& to = in.wanted.replicate_to;
  if (to.empty()) return ok();
  const auto& nodes = in.cluster.nodes;
  const auto node = std::find_if(nodes.begin(), nodes.end(),
                                 [&](const NodeFacts& one) { return one.name == to; });
  if (node == nodes.end()) return in.missing("node", to, "correct replicate_to = \"...\"");
  if (to == in.here().node) return cannot(in, "it stands there itself");
  if (!node->online) {
    Error error = cannot(in, "that node is offline");
    error.code = Errc::unavailable;
    return error;
  }
  FLYT_ASSIGN(const auto there, read_storages(in.api(), to, in.call));
  for (const std::string& storage : storages_of(in.facts.config.row)) {
    const auto same = std::find_if(there.begin(), there.end(),
                                   [&](const StorageFacts& one) { return one.id == storage; });
    if (same == there.end()) return cannot(in, fmt::format("it has no storage {}", storage));
    if (!is_replicable(*same)) {
      return cannot(in, fmt::format("a disk lies on {}, which is no ZFS storage", storage));
    }
  }
  return ok();
}

Status replicate(const Enrolling& in) {
  const Enrolment& wanted = in.wanted;
  if (wanted.replicate_to.empty()) return ok();
  FLYT_ASSIGN(const auto jobs, jobs_of(in.api(), in.here(), in.call));
  const std::string what =
      fmt::format("replicating {} to {}", in.facts.config.machine.name, wanted.replicate_to);
  Params params;
  if (!wanted.replicate_schedule.empty()) {
    params.emplace_back("schedule", wanted.replicate_schedule);
  }
  if (const Row* job = job_to(jobs, wanted.replicate_to)) {
    if (params.empty() || job->text("schedule") == wanted.replicate_schedule) return ok();
    FLYT_TRY(proceed(in.call, what));
    FLYT_TRY(in.api().request(Method::put, path_of(job->text("id")), params, what, in.call));
    return ok();
  }
  params.emplace_back("id", free_id(jobs, in.here().vmid));
  params.emplace_back("target", wanted.replicate_to);
  params.emplace_back("type", "local");
  FLYT_TRY(proceed(in.call, what));
  FLYT_TRY(in.api().request(Method::post, jobs_path, params, what, in.call));
  return ok();
}

Status read_replica(const Enrolling& in, Enrolment& seen) {
  if (in.wanted.replicate_to.empty()) return ok();
  FLYT_ASSIGN(const auto jobs, jobs_of(in.api(), in.here(), in.call));
  const Row* job = job_to(jobs, in.wanted.replicate_to);
  if (job == nullptr || job->flag("disable")) return ok();
  seen.replicate_to = in.wanted.replicate_to;
  seen.replicate_schedule = job->text("schedule");
  return ok();
}

// The job takes the copies away first, then itself.
Status end_replication(Context& context, const MachineHere& here, const Call& call) {
  const std::string what = fmt::format("ending the replication of {}", here.vmid);
  FLYT_ASSIGN(const auto jobs, jobs_of(context.api, here, call));
  for (const Row& job : jobs) {
    if (job.has("remove_job")) continue;
    FLYT_TRY(proceed(call, what));
    FLYT_TRY(context.api.request(Method::remove, path_of(job.text("id")), {}, what, call));
  }
  if (jobs.empty()) return ok();
  const Call patient = call.within(removal_patience);
  Status gone = look_until(
      [&]() -> Result<bool> {
        FLYT_ASSIGN(const auto left, jobs_of(context.api, here, call));
        return left.empty();
      },
      what, patient);
  if (!gone && gone.error().code == Errc::timed_out) {
    gone.error().why =
        "the node of the copies is away, or the machine's own node does not replicate";
    gone.error().remedy.push_back(
        fmt::format("pvesr delete {} --force 1    # its copies stay", jobs.front().text("id")));
  }
  return gone;
}

}  // namespace flyt::proxmox
