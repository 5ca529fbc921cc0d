#include "drivers/proxmox/opened.hpp"

#include <sstream>

#include "base/durable_file.hpp"
#include "base/units.hpp"

namespace flyt::proxmox {
namespace {

Result<std::set<std::string>> read(const std::filesystem::path& file) {
  auto text = read_file(file, mib);
  if (!text && text.error().code == Errc::not_found) return std::set<std::string>();
  if (!text) return text.error();
  std::set<std::string> nodes;
  std::istringstream lines(*text);
  for (std::string node; std::getline(lines, node);) nodes.insert(node);
  return nodes;
}

}  // namespace

Status Opened::on(const std::string& migration_id, const std::string& node, const Fence& fence) {
  const std::lock_guard lock(mutex_);
  FLYT_ASSIGN(std::set<std::string> nodes, read(file(migration_id)));
  for (const std::string& other : std::set<std::string>(nodes)) {
    if (other == node) continue;
    FLYT_TRY(fence(other));
    nodes.erase(other);
    FLYT_TRY(write(migration_id, nodes));
  }
  return nodes.insert(node).second ? write(migration_id, nodes) : ok();
}

void Opened::forget(const std::string& migration_id) {
  const std::lock_guard lock(mutex_);
  std::error_code ignored;  // it would be asked once more, of nothing
  std::filesystem::remove(file(migration_id), ignored);
}

Status Opened::write(const std::string& migration_id, const std::set<std::string>& nodes) {
  FLYT_TRY(make_private_folder(folder_));
  std::string text;
  for (const std::string& node : nodes) text += node + "\n";
  return write_durably(file(migration_id), text);
}

}  // namespace flyt::proxmox
