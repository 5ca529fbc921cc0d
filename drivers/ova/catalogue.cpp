#include "drivers/ova/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/digest.hpp"
#include "drivers/ova/hardware.hpp"
#include "drivers/ova/package_disk.hpp"

namespace flyt::ova {
namespace {

namespace fs = std::filesystem;

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::optional<Entry> entry_of(const fs::path& path, const std::string& name) {
  if (ends_with(name, ".ova") || ends_with(name, ".ovf")) return Entry{name, path, ""};
  if (ends_with(name, ".ova.gz") || ends_with(name, ".ova.zst") || ends_with(name, ".ova.xz")) {
    return Entry{name, path, "the package is compressed as a whole, so its disks cannot be read"};
  }
  return std::nullopt;
}

// Regular files only, links of the user's included. `deeper`: also the folders in it.
Status list_folder(const fs::path& folder, const std::string& prefix, bool deeper,
                   std::vector<Entry>& found) {
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string name = prefix + at->path().filename().string();
    std::error_code unknown;
    const fs::file_status status = at->status(unknown);
    if (deeper && fs::is_directory(status)) {
      FLYT_TRY(list_folder(at->path(), name + "/", false, found));
    } else if (fs::is_regular_file(status)) {
      if (auto entry = entry_of(at->path(), name)) found.push_back(*std::move(entry));
    }
  }
  if (error) return system_error(folder.string() + ": cannot be listed", error.value());
  return ok();
}

std::string shown(const Error& error) {
  return error.seen.empty() ? error.what : fmt::format("{} ({})", error.what, error.seen);
}

// Whether flyt can check the file; else a concern says why it cannot.
bool is_checkable(const ManifestEntry* entry, const std::string& file, Machine& machine) {
  if (entry != nullptr && entry->kind) return true;
  machine.concerns.push_back(
      {"O-MANIFEST", Severity::warning, machine.name,
       entry == nullptr
           ? fmt::format("the manifest does not list {}, so damage to it would not be noticed",
                         file)
           : fmt::format("the manifest lists a {} of {}, which flyt does not check",
                         entry->algorithm, file),
       ""});
  return false;
}

void add_manifest_concerns(const Package& package, const PackageDisk& disk, Machine& machine) {
  if (!disk.reference || !package.has_manifest()) return;
  const std::string& href = disk.reference->href;
  const ManifestEntry* entry = package.listed(*disk.reference);
  if (!is_checkable(entry, href, machine)) return;
  machine.concerns.push_back({"O-DIGEST", Severity::info, machine.name,
                              fmt::format("the manifest lists a {} of {}; it is checked when the "
                                          "disk is read",
                                          entry->algorithm, href),
                              ""});
}

void add_package_concerns(const Package& package, Machine& machine) {
  if (!package.has_manifest()) {
    machine.concerns.push_back({"O-MANIFEST", Severity::info, machine.name,
                                "the package has no manifest, so damage to it would not be noticed",
                                ""});
  } else {
    (void)is_checkable(find_entry(package.manifest(), package.descriptor()), package.descriptor(),
                       machine);
  }
  if (package.has_certificate()) {
    machine.concerns.push_back({"O-CERTIFICATE", Severity::info, machine.name,
                                "the package is signed; flyt does not check the signature", ""});
  }
}

void complete_disk(const Package& package, const PackageDisk& found, Disk& disk, Machine& machine) {
  disk.size_bytes = found.size_bytes;
  disk.format = found.format();
  disk.stream_only = found.gzip || found.kind == PackageDisk::Kind::blank;
  disk.storage = package.name();
  // A blank disk is the same for ever.
  disk.stamp = found.reference ? to_string(found.file.identity) : "blank";
  if (found.kind == PackageDisk::Kind::blank) {
    disk.used_bytes = 0;
    machine.concerns.push_back({"O-BLANK-DISK", Severity::info, machine.name,
                                fmt::format("{} has no file: it is blank", disk.label), ""});
  }
  add_manifest_concerns(package, found, machine);
}

Status complete(const Package& package, Machine& machine, const Call& call) {
  add_package_concerns(package, machine);
  for (Disk& disk : machine.disks) {
    if (!disk.left_out.empty()) continue;
    FLYT_TRY(proceed(call, package.name()));
    const auto found = look_at_disk(package, disk.id, call);
    if (found) {
      complete_disk(package, *found, disk, machine);
    } else if (found.error().code == Errc::cancelled || found.error().code == Errc::timed_out) {
      return found.error();
    } else {
      disk.left_out = shown(found.error());
    }
  }
  return ok();
}

}  // namespace

Result<std::vector<Entry>> find_packages(const fs::path& place) {
  std::error_code error;
  const fs::file_status status = fs::status(place, error);
  if (status.type() == fs::file_type::not_found) {
    return Error{Errc::not_found, fmt::format("{}: there is nothing", place.string())};
  }
  if (error) return system_error(place.string() + ": cannot be looked at", error.value());
  std::vector<Entry> found;
  if (fs::is_directory(status)) {
    FLYT_TRY(list_folder(place, "", true, found));
    std::sort(found.begin(), found.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return found;
  }
  auto entry = entry_of(place, place.filename().string());
  if (!entry) {
    return Error{Errc::invalid,
                 fmt::format("{} is neither an .ova, nor an .ovf, nor a folder", place.string())};
  }
  found.push_back(*std::move(entry));
  return found;
}

std::string machine_id(const std::string& package, const OvfPackage& ovf, const OvfSystem& system) {
  return ovf.systems.size() == 1 ? package : fmt::format("{}#{}", package, system.id);
}

Result<std::vector<Machine>> machines_in(const Package& package, const Call& call) {
  std::vector<Machine> machines;
  for (const OvfSystem& system : package.ovf().systems) {
    Machine machine = machine_of(package.ovf(), system);
    machine.id = machine_id(package.name(), package.ovf(), system);
    machine.uuid = package.descriptor_digest();
    if (package.ovf().systems.size() > 1) {
      machine.uuid = to_hex(sha256(fmt::format("{}#{}", machine.uuid, system.id)));
    }
    machine.folder = fs::path(package.name()).parent_path().string();
    FLYT_TRY(complete(package, machine, call));
    machines.push_back(std::move(machine));
  }
  return machines;
}

std::vector<Volume> volumes_in(const Package& package) {
  std::vector<Volume> volumes;
  for (const OvfFile& reference : package.ovf().files) {
    if (!ends_with(reference.href, ".iso")) continue;
    const auto file = package.file(reference);
    if (!file) continue;  // the drive that holds it is a concern of its machine already
    volumes.push_back({fmt::format("{}/{}", package.name(), file->name), file->name, package.name(),
                       "iso", "raw", file->size});
    // As of a machine: another version of the package is another one.
    volumes.back().uuid = fmt::format("{} {}", package.descriptor_digest(), file->name);
    if (!reference.compression.empty() && reference.compression != "identity") {
      volumes.back().left_out = "it is packed as a whole: " + reference.compression;
    }
  }
  return volumes;
}

Machine unreadable(const Entry& entry, const Error& error) {
  Machine machine;
  machine.id = entry.name;
  machine.name = fs::path(entry.name).stem().string();
  machine.power = Power::off;
  machine.unreadable = shown(error);
  return machine;
}

}  // namespace flyt::ova
