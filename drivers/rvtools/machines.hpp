// Machines of an export, put together from its tabs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/call.hpp"
#include "base/machine.hpp"
#include "drivers/rvtools/disks.hpp"
#include "drivers/rvtools/ground.hpp"
#include "drivers/rvtools/tabs.hpp"

namespace flyt::rvtools {

struct VCenter {
  std::string uuid, server, type;  // "VI SDK UUID", "VI SDK Server", "VI SDK Server type"
};

// What the tabs say of one machine, until it is complete.
struct Source {
  Machine machine;
  std::string datacenter;
  std::vector<SourceDisk> disks;
  std::vector<std::string> networks;  // of vInfo
  std::optional<std::uint64_t> disk_count, nic_count, used;
  // Capacity, used and free of file systems in the guest, each once.
  std::set<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> partitions;
  unsigned snapshots = 0;
  std::string tools;
};

class Sources {
 public:
  // The machines of vInfo. `server` chooses one of several vCenters, by name or uuid; Errc::invalid
  // names them where there are several and none is chosen.
  static Result<Sources> read(const Export& from, const std::string& server, const Call& call);

  const VCenter& vcenter() const { return vcenter_; }
  // What the other tabs say of them.
  Status add_tabs(const Export& from, const Call& call);
  std::vector<Machine> complete(Ground& ground) &&;
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Status take_machine(const Row& row, const Header& header, const std::string& server,
                      std::map<std::string, VCenter>& seen);
  void index(std::size_t at, const Row& row);
  Source* find(const Row& row, const std::string& tab);
  Status add_tab(const Export& from, const std::string& tab, void (*take)(const Row&, Source&),
                 const Call& call);

  static constexpr std::size_t several = ~std::size_t{0};

  std::vector<Source> sources_;
  VCenter vcenter_;
  std::map<std::string, std::size_t> by_id_, by_uuid_, by_name_;  // `several`: not to be told apart
  std::set<std::string> ids_, missing_;                           // of machines; tabs
  std::vector<std::string> notes_;
};

}  // namespace flyt::rvtools
