// Two worlds in memory, a site and a plan; and what one process works with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "drivers/memory/memory.hpp"
#include "plans/executor.hpp"

namespace flyt::tests {

std::string told(const Error& error);
bool cannot_run();  // a program is missing

class Quiet final : public ApplyStatus {
 public:
  ProgressSink& step(const PlannedMachine&, std::string_view) override { return sink_; }

 private:
  ProgressSink sink_;
};

// In a folder; any process can open them. Machines web01 with two disks and db01 with one.
struct Scene {
  std::filesystem::path folder;
  memory::WorldFolder from{folder / "source"}, to{folder / "target"};
  Site site;
  Plan plan;

  explicit Scene(bool convert = false);
  explicit Scene(std::filesystem::path made);  // that another process has made there

  static std::unique_ptr<Driver> open(const memory::WorldFolder& world);
  std::filesystem::path source_disk(std::size_t machine, std::size_t disk) const;
  std::vector<Machine> made() const;  // on the target
  void set_source_power(Power power) const;
  Power source_power(std::size_t machine) const;
  bool all_run() const;  // the sources
  // A guest writes to its first disk, always to the same place; all of them do.
  void guest_writes(std::size_t machine, const std::string& text) const;
  void guests_write(const std::string& text) const;
  // All planned machines run, and the plan has seen that.
  void run_source();
  void lands() const;  // its target is a landing_target(), for each Worker
  bool does_land() const;
  void only(std::size_t machine);  // plans no other
  void write_plan();               // once more, as it is now

  // Exactly one machine for each migration, on, and its disks read as the source's, or converted;
  // no source runs.
  void check_landed() const;
  void check_source_clean() const;  // nothing of flyt is left there

 private:
  void set_site();
  void make_plan_of(bool convert);
};

struct Worker {
  std::unique_ptr<Driver> source, target;
  std::unique_ptr<Mover> mover = make_mover();
  std::unique_ptr<Converter> converter;
  std::unique_ptr<Verifier> verifier = make_verifier();
  std::unique_ptr<Journal> journal;
  Crew crew;
  Quiet status;

  explicit Worker(const Scene& scene);
  std::vector<MachineOutcome> apply(const Scene& scene, const ApplyOptions& options = {},
                                    const Call& call = {});
  void undo_all(const Scene& scene);  // and nothing is left
};

// A source that cannot make views, as libvirt's and OVA's cannot.
std::unique_ptr<Driver> without_views(std::unique_ptr<Driver> driver);

bool all(const std::vector<MachineOutcome>& outcomes, MachineState state);

}  // namespace flyt::tests
