#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cerrno>

#include "base/durable_file.hpp"
#include "base/identity.hpp"
#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/views/human/text.hpp"

namespace flyt::cli {
namespace {

constexpr std::array option_table{
    OptionInfo{"name", 'n', "NAME", "what the site is called"},
};

struct Options {
  std::string name;
};

constexpr std::string_view template_text =
    R"(# The site: what flyt may touch, and where workloads may land. The only file written by hand.
# flyt drivers lists the drivers and their keys; flyt check tells whether all is well.

[site]
name = "{name}"
id   = "{id}"   # of this site for life: keep it

# Where plans read and write when they are not told. May be left out where only one can be.
# [move]
# from = "vcenter"
# to   = "kvm"

# Where workloads may land: ISO 3166-1 codes, EU and EEA; and who may be in control of the ground.
# [policy]
# countries = ["DK", "DE", "SE"]
# control   = ["EU", "EEA"]

# [endpoints.export]
# driver = "ova"
# path   = "exports"          # relative to this file

# [endpoints.kvm]
# driver = "libvirt"
# uri    = "qemu:///system"
# ground = {{ country = "DK", operator = "Us", owner = "Us", control = ["DK"] }}   # or {{ provider, region }}
# limits = {{ rate = "200 MiB/s", connections = 4 }}
# Secrets never stand here: password = {{ command = "pass show kvm" }}, {{ file = "..." }} or {{ env = "..." }}

# [map.networks]              # the source's name = the target's
# "VM Network" = "default"
# "Servers"    = {{ network = "br0", vlan = 120 }}

# [map.storages]
# "*" = "default"

# [defaults]                  # the same keys as in [machines.NAME]
# convert      = "auto"       # or "virt-v2v", "none"
# boot_timeout = "180 s"
# track_changes = true        # flyt may switch change tracking on at the source, while it moves

# [defaults.after]            # once a machine lives on the target; none of it by default
# start_at_boot = true
# ha            = "started"
# backup_jobs   = ["nightly"]   # that are there already, as is all that is named here
# firewall      = ["web"]

# [machines.web01]
# probes = [ {{ http = "https://web01.example/health", expect = 200 }}, {{ tcp = "web01.example:443" }} ]
)";

// TOML's basic strings: backslash, quote and control characters are escaped.
std::string toml_escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') out += '\\';
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    } else {
      out += letter;
    }
  }
  return out;
}

// TOML is UTF-8, all of it.
Status check_name(const std::string& name) {
  if (is_utf8(name)) return ok();
  return Error{.code = Errc::invalid,
               .what = "--name is not UTF-8",
               .state = "nothing was done",
               .remedy = {"write it in UTF-8, or leave it out and fill it in later"}};
}

// Taken before it is filled, so that two at once cannot both win.
Status claim(const std::filesystem::path& file) {
  const FileDescriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (made) return ok();
  const int number = errno;
  Error error = system_error(fmt::format("cannot write {}", file.string()), number);
  if (number == EEXIST) {
    error.what = fmt::format("{} is already there", file.string());
    error.state = "it was not touched";
    error.remedy = {"flyt check", "or, for another site: flyt init --site OTHER.toml"};
  }
  if (error.remedy.empty())
    error.remedy = {"make that folder and let you write there, or: flyt init --site FILE"};
  return error;
}

// An empty file would stand in the way of the next init. One that holds something is whole.
void give_back(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::file_size(file, error) == 0 && !error) std::filesystem::remove(file, error);
}

Outcome run(const Arguments& arguments, Session& session) {
  const Options options{arguments.text("name").value_or("")};
  FLYT_TRY(during(Origin::setup, check_name(options.name)));
  const auto& file = session.site_file();
  const std::string id = random_uuid();
  const std::string text =
      fmt::format(fmt::runtime(template_text), fmt::arg("name", toml_escaped(options.name)),
                  fmt::arg("id", id));
  FLYT_TRY(during(Origin::setup, claim(file)));
  if (auto written = during(Origin::work, write_durably(file, text)); !written) {
    give_back(file);
    return std::move(written).error();
  }
  session.view().site_written(file, id);
  return ExitStatus::done;
}

}  // namespace

const CommandInfo init_command{
    .name = "init",
    .summary = "Writes a site file to start from, with a site id of its own.",
    .operands = {},
    .options = option_table,
    .example = "  flyt init --name Guldborgsund",
    .run = run,
};

}  // namespace flyt::cli
