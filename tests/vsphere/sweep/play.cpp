#include "tests/vsphere/sweep/play.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "drivers/all.hpp"
#include "drivers/decorators/retry.hpp"
#include "drivers/memory/memory.hpp"
#include "movers/mover.hpp"
#include "verifiers/verifier.hpp"

namespace flyt::tests {
namespace {

using std::chrono::milliseconds;

constexpr const char* site_id = "4cbd9b0c-64f7-4a0d-8b0e-5c0d6b0f7a21";
constexpr milliseconds soon{500};
// Longer than the guests of the lab's description take to shut down.
constexpr milliseconds shut_down{250};
constexpr RetryPolicy quick{3, milliseconds(5), milliseconds(20), milliseconds(10)};

template <typename T>
T need(Result<T> result, const char* what) {
  if (!result) {
    throw std::runtime_error(
        fmt::format("{}: {}: {}", what, result.error().what, result.error().seen));
  }
  return *std::move(result);
}

std::string words(const MachineOutcome& outcome) {
  if (!outcome.error) return std::string(to_string(outcome.state));
  const Error& error = *outcome.error;
  return fmt::format("{}: {}; seen: {}; why: {}; state: {}", to_string(outcome.state), error.what,
                     error.seen, error.why, error.state);
}

}  // namespace

memory::World target_world() {
  memory::World world = memory::empty_world("target-platform");
  for (Host& host : world.ground.hosts) host.memory_bytes = std::uint64_t{64} << 30;
  for (Storage& storage : world.ground.storages) storage.free_bytes = std::uint64_t{1} << 30;
  return world;
}

Site site_of(const VsphereLab& lab, const Scenario& scenario, const std::filesystem::path& folder) {
  Site site;
  site.id = site_id;
  site.name = "test";
  site.state = folder / "state";
  site.from = "vcenter";
  site.to = "shelf";
  site.endpoints["vcenter"] = lab.endpoint();
  site.endpoints["vcenter"].values["transport"] = scenario.transport;
  EndpointConfig& shelf = site.endpoints["shelf"];
  shelf.name = "shelf";
  shelf.driver = "memory";
  shelf.values["world"] = folder / "target";
  site.mappings[""].networks["*"] = {"lan", {}};
  site.mappings[""].storages["*"] = "storage1";
  site.defaults.convert = Convert::none;
  site.defaults.track_changes = scenario.track;
  return site;
}

std::unique_ptr<Driver> open_source(const Site& site) {
  return with_retries(need(open_driver(site.endpoints.at(site.from), {}), "opening the source"),
                      quick);
}

// Tells of every place that a migration comes by.
class Play::Status final : public ApplyStatus {
 public:
  explicit Status(Play& play) : play_(play) {}
  void machine(const PlannedMachine&, MachineState state, std::string_view step) override {
    if (state == MachineState::running && step == "check") play_.note_door("begin check");
  }
  ProgressSink& step(const PlannedMachine&, std::string_view step) override {
    play_.note_door(fmt::format("reading {}", step));
    return sink_;
  }

 private:
  Play& play_;
  ProgressSink sink_;
};

struct Play::Crewed {
  std::unique_ptr<Driver> source, target;
  std::unique_ptr<Mover> mover = make_mover();
  std::unique_ptr<Verifier> verifier = make_verifier();
  std::unique_ptr<Journal> journal;
  Crew crew;

  explicit Crewed(const Site& site)
      : source(open_source(site)),
        target(need(open_driver(site.endpoints.at(site.to), {}), "opening the target")),
        journal(need(open_journal(site.state, site.id), "the journal")) {
    crew = {.source = source.get(),
            .target = target.get(),
            .mover = mover.get(),
            .converter = nullptr,
            .verifier = verifier.get(),
            .journal = journal.get(),
            .state = site.state,
            .now = [] { return std::string("2026-11-24T12:00:00Z"); }};
  }
};

Play::Play(Stage& stage, const Scenario& scenario, Trouble trouble)
    : stage_(stage),
      lab_(*stage.lab_),
      scenario_(scenario),
      trouble_(std::move(trouble)),
      folder_(stage.folder_ / std::to_string(++stage.plays_)),
      plan_(stage.plan_of(scenario)),
      site_(site_of(lab_, scenario, folder_)),
      target_(folder_ / "target"),
      seed_(stage.plays_ * 1000) {
  if (!target_.write(target_world())) throw std::runtime_error("the target cannot be written");
  lab_.control("POST", "/baseline");
  lab_.control("DELETE", "/counters");
}

Play::~Play() {
  std::error_code ignored;  // it lies in a folder that goes anyhow
  std::filesystem::remove_all(folder_, ignored);
}

template <typename... Parts>
void Play::complain(const char* format, const Parts&... parts) {
  const std::lock_guard lock(mutex_);
  wrong_.push_back(fmt::format(fmt::runtime(format), parts...));
}

void Play::ask(const Act& act) {
  try {
    lab_.control(act.method, act.path, act.body);
  } catch (const std::runtime_error& error) {
    complain("{} {}: {}", act.method, act.path, error.what());
  }
}

void Play::note_door(const std::string& door) {
  {
    const std::lock_guard lock(mutex_);
    const bool known = std::find(doors_.begin(), doors_.end(), door) != doors_.end();
    if (armed_ && !known) doors_.push_back(door);
  }
  if (door == "reading copy:0" || door == "before intent of stop") write_as_guest();
  {
    const std::lock_guard lock(mutex_);
    if (!armed_ || acted_ || door != trouble_.door) return;
    acted_ = true;
  }
  for (const Act& act : trouble_.acts) ask(act);
  if (trouble_.soon.empty()) return;
  later_ = std::jthread([this] {
    std::this_thread::sleep_for(soon);
    for (const Act& act : trouble_.soon) ask(act);
  });
}

void Play::write_as_guest() {
  if (!scenario_.runs || !source_runs()) return;
  ask({"POST",
       "/random-writes",
       {{"vm", scenario_.machine}, {"disk", 0}, {"count", 3}, {"size", 4096}, {"seed", ++seed_}}});
}

nlohmann::json Play::state() { return lab_.control("GET", "/state?vm=" + scenario_.machine); }

bool Play::source_runs() { return state().at("powerState") == "poweredOn"; }

std::vector<Machine> Play::made() const {
  auto locked = need(target_.lock({}), "the target");
  return locked.world.ground.machines;
}

void Play::arm() {
  armed_ = true;
  for (const nlohmann::json& fault : trouble_.faults) lab_.control("POST", "/faults", fault);
}

void Play::clear() {
  if (later_.joinable()) later_.join();
  armed_ = false;
  happened_ = acted_;
  for (const auto& fault : lab_.control("GET", "/faults")) {
    if (fault.at("hits") != 0) happened_ = true;
  }
  lab_.control("DELETE", "/faults");
  for (const Act& act : trouble_.cleared) ask(act);
  if (!trouble_.keeps_sessions) return;
  lab_.control("POST", "/sessions/expire");
  lab_.control("POST", "/leases/expire");
}

MachineOutcome Play::apply(Until until) {
  Crewed crewed(site_);
  Status status(*this);
  ApplyOptions options;
  options.until = until;
  options.distrust_tracking = trouble_.distrust;
  options.at_step = [this](std::string_view where) { note_door(std::string(where)); };
  auto outcomes = need(flyt::apply(plan_, site_, crewed.crew, options, status, {}), "apply");
  return outcomes.at(0);
}

void Play::undo() {
  Crewed crewed(site_);
  const UndoOptions options{.target = true, .started = true};
  const auto undone = flyt::undo(plan_, crewed.crew, options, {});
  if (!undone) complain("undo: {}: {}", undone.error().what, undone.error().seen);
}

std::vector<std::string> Play::run(Ending ending) {
  const Until first = scenario_.warm_first ? Until::warm : Until::landed;
  arm();
  outcome_ = apply(first);
  if (later_.joinable()) later_.join();
  check_after();
  clear();
  if (ending == Ending::undo) {
    undo();
    check_undone();
  } else {
    const auto wanted = scenario_.warm_first ? MachineState::copied : MachineState::landed;
    if (outcome_.state != wanted) resume(first, wanted);
    if (scenario_.warm_first) {
      check_warm();
      resume(Until::landed, MachineState::landed);
    }
    check_landed();
  }
  check_recorded();
  put_back();
  return wrong_;
}

void Play::resume(Until until, MachineState wanted) {
  std::string told;
  for (int i = 0; i < 2; ++i) {
    const MachineOutcome outcome = apply(until);
    if (outcome.state == wanted) return;
    told += (told.empty() ? "" : "; then ") + words(outcome);
  }
  complain("is not {} after all has been cleared: {}", to_string(wanted), told);
}

// Whatever came of it, nothing is worse than it may be.
void Play::check_after() {
  counters_ = lab_.counters().get<std::map<std::string, std::int64_t>>();
  const auto count = [&](const char* name) {
    const auto found = counters_.find(name);
    return found == counters_.end() ? 0 : found->second;
  };
  for (const char* open : {"sessions.open", "leases.open"}) {
    if (trouble_.keeps_sessions || count(open) == 0) continue;
    complain("{} is {}: {}", open, count(open), words(outcome_));
  }
  const auto machines = made();
  const bool copy_runs = std::any_of(machines.begin(), machines.end(),
                                     [](const Machine& one) { return one.power == Power::on; });
  if (count("power.shutdownGuest") != 0) std::this_thread::sleep_for(shut_down);
  check_left_off(copy_runs);
  std::size_t ours = 0;
  for (const auto& snapshot : state().at("snapshots")) {
    if (snapshot.get<std::string>().starts_with("flyt")) ++ours;
  }
  if (ours > 1) complain("{} snapshots of ours at once: {}", ours, words(outcome_));
}

// A source is off for its copy's sake, or whoever asked for the move knows of it.
void Play::check_left_off(bool copy_runs) {
  if (trouble_.switches) return;
  const bool runs = source_runs();
  if (runs && copy_runs) complain("both run: {}", words(outcome_));
  if (runs || copy_runs || !scenario_.runs) return;
  const std::string said = outcome_.error ? outcome_.error->state : "";
  const std::array words_for_it{"was shut down", "may still do it", "is off on"};
  const bool told = std::any_of(words_for_it.begin(), words_for_it.end(), [&](const char* one) {
    return said.find(one) != std::string::npos;
  });
  if (!told) complain("the source was left off, and nobody is told: {}", words(outcome_));
}

void Play::check_warm() {
  for (const auto& snapshot : state().at("snapshots")) {
    if (!snapshot.get<std::string>().starts_with("flyt")) continue;
    complain("a warm copy keeps the snapshot {}", snapshot.dump());
  }
  if (!trouble_.switches && !source_runs()) complain("the source of a warm copy is off");
}

void Play::check_equal() {
  const auto machines = made();
  if (machines.size() != 1) return complain("{} machines on the target", machines.size());
  if (machines[0].power != Power::on) complain("the copy does not run");
  const auto& disks = plan_.machines[0].source.disks;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const auto path = target_.disk(machines[0].id, machines[0].disks.at(i).id);
    const auto compared =
        lab_.control("GET", fmt::format("/compare?vm={}&disk={}&what=live&path={}",
                                        scenario_.machine, i, path.native()));
    if (compared.at("equal") == true) continue;
    complain("disk {} is not the source's: {}", i, compared.dump());
  }
}

void Play::check_landed() {
  check_equal();
  if (scenario_.runs && source_runs()) complain("the source runs beside its copy");
  check_source(scenario_.runs);
}

void Play::check_undone() {
  if (!made().empty()) complain("undo leaves a machine on the target");
  check_source(trouble_.switches);
}

void Play::check_source(bool power_may_differ) {
  for (const Act& act : trouble_.afterwards) ask(act);
  for (const std::string& difference : lab_.differences()) {
    if (power_may_differ && difference.find(": power state was ") != std::string::npos) continue;
    complain("left on the source: {}", difference);
  }
  // What no migration may ask for: it was refused, and is no less wrong for that.
  const nlohmann::json counters = lab_.counters();
  for (const auto& [name, count] : counters.items()) {
    if (name.starts_with("refused.")) complain("{} of {}", count.dump(), name);
  }
}

void Play::check_recorded() {
  const auto& record = outcome_.record;
  const auto says = [this](const std::string& line) {
    return line.find(trouble_.recorded) != std::string::npos;
  };
  if (trouble_.recorded.empty() || std::any_of(record.begin(), record.end(), says)) return;
  complain("{:?} is not told: {}", trouble_.recorded, fmt::join(record, "; "));
}

// For the next one.
void Play::put_back() {
  const char* power = scenario_.runs ? "poweredOn" : "poweredOff";
  lab_.control("POST", "/power", {{"vm", scenario_.machine}, {"state", power}});
}

}  // namespace flyt::tests
