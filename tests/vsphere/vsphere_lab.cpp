#include "tests/vsphere/vsphere_lab.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "tests/ready_program.hpp"

namespace flyt::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes build_patience{20};  // a cold build beside others' work
constexpr std::chrono::minutes start_patience{5};   // with ten thousand machines
constexpr int cannot_build = 77;
constexpr std::string_view lab_name = "the vSphere lab";

Call in_time(std::chrono::nanoseconds limit) { return Call{}.within(limit); }

Result<fs::path> build() {
  const char* named = std::getenv("FLYT_SOURCE");
  const fs::path source = named == nullptr ? "." : named;
  const fs::path script = source / "tests/lab/vsphere/build.sh", folder = source / "build/vsphere";
  if (!fs::exists(script)) {
    return Error{Errc::invalid, "FLYT_SOURCE names no source tree", script};
  }
  fs::create_directories(folder);
  FLYT_ASSIGN(const Finished done,
              run({{"flock", folder / "lock", script, folder}}, in_time(build_patience)));
  if (done.status == 0) return fs::absolute(folder / "vcsimx");
  return Error{done.status == cannot_build ? Errc::unsupported : Errc::internal,
               "the vSphere lab cannot be built", done.errors};
}

const Result<fs::path>& program() {
  static const Result<fs::path> built = build();
  return built;
}

}  // namespace

Result<std::unique_ptr<VsphereLab>> VsphereLab::start(std::string_view machines,
                                                      std::vector<std::string> flags) {
  if (!program()) return program().error();
  std::unique_ptr<VsphereLab> lab(new VsphereLab);
  FLYT_TRY(lab->run(machines, std::move(flags), *program()));
  return lab;
}

Status VsphereLab::run(std::string_view machines, std::vector<std::string> flags,
                       const fs::path& program) {
  certificate_ = folder_ / "server.pem";
  Command command{{program, "-exit-with-stdin", "-cert-out", certificate_}};
  command.folder = folder_.path();
  command.environment = {{"TMPDIR", folder_.path()}};
  if (!machines.empty()) {
    std::ofstream(folder_ / "machines.json") << machines;
    command.argv.insert(command.argv.end(), {"-machines", "machines.json"});
  }
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  FLYT_ASSIGN(Process started, Process::start(command));
  process_ = std::make_unique<Process>(std::move(started));
  FLYT_ASSIGN(const auto ready, read_ready(*process_, lab_name, start_patience));
  url_ = fmt::format("https://{}:{}", ready.at("host").get<std::string>(),
                     ready.at("port").get<std::string>());
  user_ = ready.at("username");
  fingerprint_ = ready.at("fingerprint");
  control_url_ = ready.at("controlUrl");
  password_file_ = folder_ / "password";
  std::ofstream(password_file_) << ready.at("password").get<std::string>() << '\n';
  fs::permissions(password_file_, fs::perms::owner_read);
  return ok();
}

EndpointConfig VsphereLab::endpoint() const {
  EndpointConfig config;
  config.name = "vcenter";
  config.driver = "vsphere";
  config.values = {{"url", url_}, {"user", user_}, {"fingerprint", fingerprint_}};
  config.secrets["password"] = {SecretSource::Kind::file, password_file_};
  config.folder = folder_.path();
  config.state = folder_ / "state";
  return config;
}

EndpointConfig VsphereLab::endpoint_by_vddk() const {
  const fs::path plugin =
      fs::read_symlink("/proc/self/exe").parent_path() / "standin/nbdkit-vddk-plugin.so";
  fs::create_directories(folder_ / "vddk/lib64");
  std::ofstream(folder_ / "vddk/lib64/libvixDiskLib.so.8") << "nobody loads it\n";
  std::ofstream(folder_ / "nbdkit")
      << fmt::format(R"(#!/bin/sh
# An nbdkit that finds the plugin vddk by its name.
cd {0}
printf '%s\n' "$@" >argv
env >environment
[ ! -e dies ] || export FLYT_TEST_VDDK_DIES=$(cat dies)
export FLYT_TEST_CONTROL={1} FLYT_TEST_VDDK_LOG={0}/reads
for word in "$@"; do
    shift
    [ "$word" != vddk ] || word={2}
    set -- "$@" "$word"
done
exec nbdkit "$@"
)",
                     folder_.path().native(), control_url_, plugin.native());
  fs::permissions(folder_ / "nbdkit", fs::perms::owner_all);
  EndpointConfig config = endpoint();
  config.values["transport"] = "vddk";
  config.values["vddk_libdir"] = "vddk";  // from the site file's folder
  config.values["nbdkit"] = "./nbdkit";
  return config;
}

nlohmann::json VsphereLab::control(std::string_view method, const std::string& path,
                                   const nlohmann::json& body) {
  return tell(http_, control_url_, method, path, body, lab_name);
}

nlohmann::json VsphereLab::counters() { return control("GET", "/counters"); }

std::int64_t VsphereLab::counter(const std::string& name) {
  return counters().value(name, std::int64_t{0});
}

std::vector<std::string> VsphereLab::differences() {
  return control("GET", "/baseline").at("differences");
}

}  // namespace flyt::tests
