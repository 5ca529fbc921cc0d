// The beginning of an NBD conversation, as a client that only wants to know the export.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/durable_file.hpp"
#include "base/result.hpp"

namespace flyt {

struct Call;

struct NbdExport {
  std::uint64_t size_bytes = 0;
  bool read_only = false;
};

// Connects to a unix socket. Nothing: nobody listens there yet.
Result<std::optional<FileDescriptor>> connect_unix(const std::filesystem::path& socket);

// Reads the greeting, asks for the default export (NBD_OPT_INFO) and takes leave. Errc::corrupt:
// that is no NBD server; Errc::unavailable: it refuses the export or hangs up.
Result<NbdExport> ask_export(const FileDescriptor& connection, const Call& call);

}  // namespace flyt
