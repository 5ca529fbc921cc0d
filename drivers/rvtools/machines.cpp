#include "drivers/rvtools/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/lower_case.hpp"
#include "drivers/rvtools/records.hpp"
#include "drivers/rvtools/rows.hpp"

namespace flyt::rvtools {
namespace {

constexpr std::size_t most_machines = 200'000;  // no vCenter takes half as many

bool same_word(std::string_view a, std::string_view b) { return lower_case(a) == lower_case(b); }

Error which_vcenter(const std::map<std::string, VCenter>& seen, const std::string& server) {
  std::vector<std::string> names;
  names.reserve(seen.size());
  for (const auto& one : seen) {
    names.push_back(one.second.server.empty() ? one.first : one.second.server);
  }
  Error error{Errc::invalid, server.empty()
                                 ? fmt::format("the export is of {} vCenters", seen.size())
                                 : fmt::format("the export has no machine of {}", server)};
  error.seen = fmt::format("{}", fmt::join(names, ", "));
  if (!names.empty()) error.remedy.push_back(fmt::format("server = {:?}", names.front()));
  return error;
}

Error missing_tab(std::string_view tab) {
  return {Errc::invalid,
          fmt::format("the export has no tab {}", tab),
          {},
          {},
          {},
          {"export all tabs: RVTools, File, Export all to xlsx (or csv)"}};
}

}  // namespace

Result<Sources> Sources::read(const Export& from, const std::string& server, const Call& call) {
  for (const char* tab : {"vInfo", "vDisk"}) {
    if (!from.has(tab)) return missing_tab(tab);
  }
  Sources found;
  std::map<std::string, VCenter> seen;
  FLYT_TRY(each_record_named(
      from, "vInfo", "",
      [&](const Row& row, const Header& header) {
        return found.take_machine(row, header, server, seen);
      },
      call));
  std::size_t chosen = 0;
  for (const auto& one : seen) {
    const bool is_it = server.empty() || same_word(one.second.server, server) ||
                       same_word(one.second.uuid, server);
    if (!is_it) continue;
    ++chosen;
    found.vcenter_ = one.second;
  }
  if (chosen > 1 || (chosen == 0 && !server.empty())) return which_vcenter(seen, server);
  return found;
}

Status Sources::take_machine(const Row& row, const Header& header, const std::string& server,
                             std::map<std::string, VCenter>& seen) {
  if (!header.find("vm")) {
    return Error{Errc::invalid, "the tab vInfo has no column VM",
                 fmt::format("its columns: {}", fmt::join(header.names(), ", "))};
  }
  VCenter of{row.text("visdkuuid"), row.text("visdkserver"), row.text("visdkservertype")};
  const bool skipped =
      !server.empty() && !same_word(of.server, server) && !same_word(of.uuid, server);
  if (!of.uuid.empty() || !of.server.empty()) {
    seen.emplace(of.uuid.empty() ? of.server : of.uuid, std::move(of));
  }
  if (skipped || row.text("vm").empty()) return ok();
  if (sources_.size() == most_machines) {
    return Error{Errc::invalid, fmt::format("vInfo: more than {} machines", most_machines)};
  }
  sources_.push_back(source_of(row, header));
  index(sources_.size() - 1, row);
  return ok();
}

void Sources::index(std::size_t at, const Row& row) {
  const auto add = [at](std::map<std::string, std::size_t>& to, const std::string& key) {
    if (key.empty()) return;
    const auto [there, is_new] = to.emplace(key, at);
    if (!is_new) there->second = several;
  };
  Machine& machine = sources_[at].machine;
  add(by_name_, machine.name);
  add(by_uuid_, row.text("vmuuid"));
  add(by_id_, row.text("vmid"));
  if (ids_.insert(machine.id).second) return;
  machine.unreadable = fmt::format("another machine of the export is {} too", machine.id);
  while (!ids_.insert(machine.id).second) machine.id += fmt::format(" (row {})", at + 2);
}

// A tab of an older version has the name alone.
Source* Sources::find(const Row& row, const std::string& tab) {
  const std::string id = row.text("vmid"), uuid = row.text("vmuuid"), name = row.text("vm");
  const auto in = [&](const std::map<std::string, std::size_t>& of, const std::string& key) {
    const auto found = of.find(key);
    return found == of.end() ? nullptr : &found->second;
  };
  const std::size_t* at = nullptr;
  if (!id.empty() && !by_id_.empty()) {
    at = in(by_id_, id);
  } else if (!uuid.empty() && !by_uuid_.empty()) {
    at = in(by_uuid_, uuid);
  } else {
    at = in(by_name_, name);
  }
  if (at == nullptr) return nullptr;
  if (*at != several) return &sources_[*at];
  for (Source& one : sources_) {
    if (one.machine.name != name || !one.machine.unreadable.empty()) continue;
    one.machine.unreadable =
        fmt::format("the tab {} does not tell it from another machine of its name", tab);
  }
  return nullptr;
}

Status Sources::add_tab(const Export& from, const std::string& tab,
                        void (*take)(const Row&, Source&), const Call& call) {
  if (!from.has(tab)) {
    notes_.push_back(fmt::format("the export has no tab {}", tab));
    missing_.insert(tab);
    return ok();
  }
  std::size_t strange = 0;
  FLYT_TRY(each_record(
      from, tab, vcenter_.uuid,
      [&](const Row& row) -> Status {
        Source* source = find(row, tab);
        if (source != nullptr) take(row, *source);
        if (source == nullptr) ++strange;
        return ok();
      },
      call));
  if (strange != 0) {
    notes_.push_back(fmt::format("{} rows of the tab {} are of no machine that vInfo tells apart",
                                 strange, tab));
  }
  return ok();
}

Status Sources::add_tabs(const Export& from, const Call& call) {
  struct Tab {
    const char* name;
    void (*take)(const Row&, Source&);
  };
  constexpr std::array tabs{
      Tab{"vCPU", add_cpus},    Tab{"vMemory", add_memory},
      Tab{"vDisk", add_disk},   Tab{"vPartition", add_partition},
      Tab{"vNetwork", add_nic}, Tab{"vCD", add_drive},
      Tab{"vUSB", add_usb},     Tab{"vSnapshot", add_snapshot},
      Tab{"vTools", add_tools},
  };
  for (const Tab& tab : tabs) FLYT_TRY(add_tab(from, tab.name, tab.take, call));
  return ok();
}

std::vector<Machine> Sources::complete(Ground& ground) && {
  std::vector<Machine> machines;
  machines.reserve(sources_.size());
  for (Source& source : sources_) {
    if (missing_.contains("vNetwork")) add_bare_nics(source);
    machines.push_back(complete_machine(std::move(source), ground));
  }
  std::sort(machines.begin(), machines.end(), [](const Machine& a, const Machine& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  });
  return machines;
}

}  // namespace flyt::rvtools
