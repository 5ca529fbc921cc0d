// Which packages stand in a place, and the machines in them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "base/inventory.hpp"
#include "base/result.hpp"
#include "drivers/ova/package.hpp"

namespace flyt::ova {

struct Entry {
  std::string name;            // relative to the place: part of machine ids, stable
  std::filesystem::path path;  // .ova or .ovf
  std::string refused;         // why it is not even opened; empty: it can be
};

// By name. Errc::not_found when `place` is not there, Errc::invalid when it is nothing of ours. A
// folder without packages is an empty list.
Result<std::vector<Entry>> find_packages(const std::filesystem::path& place);

// "web01.ova", or "rack.ova#web01" where the package holds several machines.
std::string machine_id(const std::string& package, const OvfPackage& ovf, const OvfSystem& system);

// The machines of `package`, complete; disks whose files cannot be used say why.
Result<std::vector<Machine>> machines_in(const Package& package, const Call& call);
// ISO images among its files.
std::vector<Volume> volumes_in(const Package& package);

// In place of the machines of a package that cannot be used.
Machine unreadable(const Entry& entry, const Error& error);

}  // namespace flyt::ova
