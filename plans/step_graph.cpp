#include "plans/step_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace flyt {
namespace {

// In the order of StepKind.
constexpr std::array<std::string_view, 20> names{
    "check",     "create", "track",   "view",   "copy",  "rest",  "stop",
    "last",      "delta",  "convert", "commit", "land",  "shape", "bytes",
    "introduce", "boot",   "publish", "ground", "enrol", "clean"};

bool moves_bytes(StepKind kind) {
  return kind == StepKind::copy || kind == StepKind::delta || kind == StepKind::commit ||
         kind == StepKind::land;
}

}  // namespace

bool hands_over(std::string_view key) {
  return std::find(handing_over.begin(), handing_over.end(), key) != handing_over.end();
}

std::optional<StepKind> kind_of(std::string_view key) {
  const auto* found = std::find(names.begin(), names.end(), key.substr(0, key.find(':')));
  if (found == names.end()) return std::nullopt;
  return static_cast<StepKind>(found - names.begin());
}

std::size_t StepGraph::add(Step step, std::vector<std::size_t> after) {
  nodes_.push_back({std::move(step), State::waiting, std::move(after)});
  return nodes_.size() - 1;
}

void StepGraph::add_machine(std::size_t machine, const Machine& what) {
  const auto name = [](StepKind kind) { return names[static_cast<std::size_t>(kind)]; };
  const auto one = [&](StepKind kind, std::vector<std::size_t> after) {
    return std::vector{add({machine, kind, 0, std::string(name(kind))}, std::move(after))};
  };
  const auto each_disk = [&](StepKind kind, const std::vector<std::size_t>& after) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < what.disks; ++i) {
      all.push_back(add({machine, kind, i, fmt::format("{}:{}", name(kind), i)}, after));
    }
    return all.empty() ? after : all;
  };
  auto last = one(StepKind::check, {});
  last = one(StepKind::create, last);
  if (what.track) last = one(StepKind::track, last);
  last = one(StepKind::view, last);
  last = each_disk(StepKind::copy, last);
  if (what.until == Until::warm && what.cutover) one(StepKind::rest, last);
  if (what.until != Until::landed) return;
  if (what.cutover) {
    last = one(StepKind::stop, last);
    last = one(StepKind::last, last);
    last = each_disk(StepKind::delta, last);
  }
  if (what.convert) {
    last = one(StepKind::convert, last);
    last = each_disk(StepKind::commit, last);
  }
  if (what.land) last = one(StepKind::land, last);
  if (what.shaped) last = one(StepKind::shape, last);
  last = one(StepKind::bytes, last);
  if (what.introduce) last = one(StepKind::introduce, last);
  last = one(what.starts ? StepKind::boot : StepKind::publish, last);
  last = one(StepKind::ground, last);
  last = one(StepKind::clean, last);
  // What is missing there must not keep the source's view.
  if (what.enrol) one(StepKind::enrol, last);
}

bool StepGraph::ready(const Node& node) const {
  return node.state == State::waiting &&
         std::all_of(node.after.begin(), node.after.end(),
                     [&](std::size_t i) { return nodes_[i].state == State::done; });
}

bool StepGraph::begun(std::size_t machine) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return node.step.machine == machine && node.state != State::waiting;
  });
}

std::size_t StepGraph::machines_in_work() const {
  std::set<std::size_t> machines;
  for (const Node& node : nodes_) {
    if (node.state == State::running || (ready(node) && begun(node.step.machine))) {
      machines.insert(node.step.machine);
    }
  }
  return machines.size();
}

std::size_t StepGraph::disks_in_work() const {
  return static_cast<std::size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const Node& node) {
    return node.state == State::running && moves_bytes(node.step.kind);
  }));
}

std::optional<Step> StepGraph::find_work(std::size_t machines_at_once, std::size_t disks_at_once) {
  const bool machine_free = machines_in_work() < machines_at_once;
  const bool disk_free = disks_in_work() < disks_at_once;
  for (Node& node : nodes_) {
    if (!ready(node)) continue;
    if (moves_bytes(node.step.kind) && !disk_free) continue;
    if (!begun(node.step.machine) && !machine_free) continue;
    node.state = State::running;
    return node.step;
  }
  return std::nullopt;
}

void StepGraph::finished(const Step& step, bool success) {
  for (Node& node : nodes_) {
    if (node.step.machine != step.machine || node.step.key != step.key) continue;
    node.state = success ? State::done : State::failed;
  }
}

void StepGraph::give_up(std::size_t machine) {
  for (Node& node : nodes_) {
    if (node.step.machine == machine && node.state == State::waiting) node.state = State::dropped;
  }
}

bool StepGraph::running() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const Node& node) { return node.state == State::running; });
}

bool StepGraph::running(std::size_t machine) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return node.state == State::running && node.step.machine == machine;
  });
}

bool StepGraph::over(std::size_t machine) const {
  return std::none_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return node.step.machine == machine &&
           (node.state == State::running || node.state == State::waiting);
  });
}

bool StepGraph::complete(std::size_t machine) const {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return node.step.machine != machine || node.state == State::done;
  });
}

}  // namespace flyt
