// The file lock behind a lease: the operating system releases it when the process ends.
#pragma once

#include <filesystem>
#include <string>

#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

// "pid 4711 at kvm1": this process.
std::string lease_holder();

// Locks folder/<machine> until it is unlocked or the last copy of the descriptor is closed.
// Errc::exists when another holder has it; `seen` says who, as far as it wrote that down.
Result<FileDescriptor> lock_lease(const std::filesystem::path& folder, const std::string& machine);

// Ends the lock at once, also where a child that is just being started has the descriptor, too.
void unlock_lease(const FileDescriptor& lock);

// Whether somebody holds it now; empty: nobody.
std::string lease_held_by(const std::filesystem::path& folder, const std::string& machine);

}  // namespace flyt
