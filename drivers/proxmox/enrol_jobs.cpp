// Backup jobs. A job has a list of machines, or it takes all, or those of a pool: only a list is
// ever changed, since one that is set makes a job forget "all" and its pool.
#include <fmt/format.h>

#include <algorithm>

#include "base/uri.hpp"
#include "drivers/proxmox/enrol_parts.hpp"
#include "drivers/proxmox/property_string.hpp"

namespace flyt::proxmox {
namespace {

constexpr const char* jobs_path = "/cluster/backup";

std::string path_of(const std::string& job) {
  return fmt::format("{}/{}", jobs_path, percent_encode(job));
}

Result<Row> read_job(const Enrolling& in, const std::string& job) {
  return in.api().get_row(path_of(job), fmt::format("reading the backup job {}", job), in.call);
}

bool lists(const Row& job, const char* key, const std::string& vmid) {
  const auto listed = words_of(job.text(key), ",; ");
  return std::find(listed.begin(), listed.end(), vmid) != listed.end();
}

bool takes(const Row& job, const MachineHere& here) {
  if (job.has("node") && job.text("node") != here.node) return false;
  if (job.flag("all")) return !lists(job, "exclude", here.vmid);
  if (job.has("pool")) return job.text("pool") == here.pool;
  return lists(job, "vmid", here.vmid);
}

// Why the job cannot take the machine as it is; empty: it can, or does.
std::string hindrance(const Row& job, const MachineHere& here) {
  if (job.has("enabled") && !job.flag("enabled")) return "it is switched off";
  if (job.has("node") && job.text("node") != here.node) {
    return fmt::format("it runs on the node {} alone, and the machine is on {}", job.text("node"),
                       here.node);
  }
  if (job.flag("all") && lists(job, "exclude", here.vmid)) {
    return fmt::format("it takes all machines, and leaves {} out", here.vmid);
  }
  if (!job.flag("all") && job.has("pool") && job.text("pool") != here.pool) {
    return fmt::format("it takes the machines of the pool {} alone, and this one is in {}",
                       job.text("pool"), here.pool.empty() ? "none" : here.pool);
  }
  return {};
}

Status check_takes(const Enrolling& in, const Row& job, const std::string& name) {
  const std::string why = hindrance(job, in.here());
  if (why.empty()) return ok();
  return Error{Errc::invalid,
               fmt::format("the backup job {} cannot take {}", name, in.facts.config.machine.name),
               "",
               why,
               "the job is as it was",
               {"name another job in backup_jobs = [...], or change this one: Datacenter, Backup"}};
}

Status join(const Enrolling& in, const std::string& name) {
  const std::string what =
      fmt::format("putting {} into the backup job {}", in.facts.config.machine.name, name);
  FLYT_ASSIGN(const Row job, read_job(in, name));
  if (takes(job, in.here())) return ok();
  // Somebody may have changed it since it was looked for.
  FLYT_TRY(check_takes(in, job, name));
  const std::string listed = job.text("vmid");
  FLYT_TRY(proceed(in.call, what));
  FLYT_TRY(in.api().request(
      Method::put, path_of(name),
      {{"vmid", listed.empty() ? in.here().vmid : listed + "," + in.here().vmid}}, what, in.call));
  FLYT_ASSIGN(const Row now, read_job(in, name));
  for (const std::string& one : words_of(listed, ",; ")) {
    if (lists(now, "vmid", one)) continue;
    return Error{Errc::internal,
                 fmt::format("{}: the job has lost machine {}", what, one),
                 now.text("vmid"),
                 "somebody changed it in the same moment",
                 "",
                 {"look at the job: Datacenter, Backup"}};
  }
  return ok();
}

}  // namespace

Status look_for_jobs(const Enrolling& in) {
  if (in.wanted.backup_jobs.empty()) return ok();
  FLYT_ASSIGN(const std::vector<Row> rows,
              in.api().get_rows(jobs_path, "listing the backup jobs", in.call));
  for (const std::string& name : in.wanted.backup_jobs) {
    if (find_row(rows, "id", name) == nullptr) {
      return in.missing("backup job", name,
                        "make it: Datacenter, Backup; or correct backup_jobs = [...]: the names "
                        "are those of pvesh get /cluster/backup");
    }
    FLYT_ASSIGN(const Row job, read_job(in, name));
    FLYT_TRY(check_takes(in, job, name));
  }
  return ok();
}

Status join_jobs(const Enrolling& in) {
  for (const std::string& name : in.wanted.backup_jobs) FLYT_TRY(join(in, name));
  return ok();
}

Status read_jobs(const Enrolling& in, Enrolment& seen) {
  for (const std::string& name : in.wanted.backup_jobs) {
    FLYT_ASSIGN(const Row job, read_job(in, name));
    if (takes(job, in.here())) seen.backup_jobs.push_back(name);
  }
  return ok();
}

}  // namespace flyt::proxmox
