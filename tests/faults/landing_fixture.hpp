// What the tests of landing hosts share: hosts, disks, and who serves them.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/channel.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "drivers/shared/landing.hpp"
#include "tests/ssh_host.hpp"
#include "tests/temp_dir.hpp"

namespace flyt::tests {

inline const Owner first{"flyt-aaaaaaaaaaaaaaaaaaaa", 1};
inline const Owner newer{"flyt-aaaaaaaaaaaaaaaaaaaa", 2};
inline const Owner other{"flyt-bbbbbbbbbbbbbbbbbbbb", 7};

using Opened = Result<std::unique_ptr<Channel>>;

Call soon();

// This machine, and where there is an sshd, the same by SSH as "ssh:root@far".
std::vector<LandingHost> landing_hosts();
const LandingHost& here();

// "" or why these tests cannot run.
std::string missing_for_landing();

// This program once more, as the hidden test case `name`, which opens the disk at `path` and says
// "opened ok"; it has said so. It ends when it is killed, or its input ends.
Process opening_child(const std::string& name, const std::string& path,
                      std::vector<std::pair<std::string, std::string>> environment = {});

std::string make_disk(const TempDir& dir, const std::string& format);
LandingDisk disk_at(const std::string& path, Use use, const Owner& owner);
Opened open(const LandingHost& host, const std::string& path, Use use, const Owner& owner);

// What qemu-io says to one command: "ok" when it went well.
std::string io(const Channel& channel, const std::string& command);

// Processes whose arguments name `path`, with this program name.
std::vector<pid_t> processes(const std::string& program, const std::string& path);
// The supervisors among them, without what carries them by SSH.
std::vector<pid_t> supervisors(const std::string& path);
// True once nothing serves `path` any more.
bool becomes_free(const std::string& path);

// What the supervisors of root keep of it.
std::vector<std::string> kept_of(const std::string& path);

std::string code_of(const Status& status);
std::string code_of(const Opened& opened);

}  // namespace flyt::tests
