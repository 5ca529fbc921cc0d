// The site: what flyt.toml says, as plain data. cli/site_toml.cpp reads it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace flyt {

// Whose ground an endpoint stands on: the site's own statement, or a provider's region.
struct Ground {
  std::string provider, region;  // both or neither
  std::string country;           // ISO 3166-1 alpha-2
  std::string operator_name, owner;
  std::vector<std::string> control;  // jurisdictions: ISO codes
};

struct Policy {
  std::vector<std::string> countries;  // ISO codes, "EU", "EEA"
  std::vector<std::string> control;    // the same; every jurisdiction in control must be in it
  bool empty() const { return countries.empty() && control.empty(); }
};

struct Limits {
  std::uint64_t rate = 0;    // bytes per second; 0: none
  unsigned connections = 0;  // per disk; 0: flyt's choice
  // Of a source's machines that run: percent of a storage that stay free while there is a view, and
  // for how long a view is gone on with.
  unsigned view_min_free = 15;
  std::chrono::seconds view_max_age = std::chrono::hours{24};
};

struct EndpointConfig {
  std::string name, driver;
  std::map<std::string, std::string> values;    // the driver's keys: url, user, path ...
  std::map<std::string, SecretSource> secrets;  // the driver's secret keys
  std::optional<Ground> ground;
  Limits limits;
  std::filesystem::path folder;  // of the site file: relative paths start here
  std::filesystem::path state;   // the site's state folder
};

struct NetworkTarget {
  std::string network;
  std::optional<std::uint32_t> vlan;
};

// Source name -> target name. "*" stands for all that are not named.
struct Mapping {
  std::map<std::string, NetworkTarget> networks;
  std::map<std::string, std::string> storages;
};

struct Probe {
  enum class Kind : std::uint8_t { tcp, http, agent };
  Kind kind = Kind::tcp;
  std::string target;  // "host:port" or URL
  int expect = 200;    // http
};

enum class Convert : std::uint8_t {
  automatic,
  virt_v2v,
  none,
  in_guest,  // the guest has the drivers, and takes them itself at a first start
};

// [defaults.after] and [machines.NAME.after]; what is not said there is empty. Members as in
// Enrolment.
struct AfterSettings {
  std::optional<bool> start_at_boot;
  std::optional<std::uint32_t> start_order, start_delay;
  std::optional<std::string> ha;  // also "none"
  std::optional<std::string> ha_group, replicate_to, replicate_schedule;
  std::optional<std::vector<std::string>> ha_rules, backup_jobs, firewall;
};

// [defaults] and [machines.NAME]; what is not said there is empty.
struct MachineSettings {
  std::optional<Convert> convert;
  std::optional<std::chrono::seconds> boot_timeout;
  std::optional<std::chrono::seconds> settle;  // as PlannedMachine::introduce
  std::optional<bool> track_changes;           // flyt may switch that on at the source
  std::optional<bool> secure_boot;             // false: off on the target, whatever the source has
  std::optional<bool> new_tpm;                 // what has a TPM gets an empty one on the target
  std::optional<std::string> name;             // on the target
  std::optional<std::string> marker;           // console text that means "it lives"
  std::vector<Probe> probes;
  AfterSettings after;
  std::optional<unsigned> wave;  // of a machine
};

struct Site {
  std::string id, name;
  std::filesystem::path file;   // the site file, absolute
  std::filesystem::path state;  // absolute
  std::string from, to;         // [move]; may be empty
  Policy policy;
  std::map<std::string, EndpointConfig> endpoints;
  std::map<std::string, Mapping> mappings;  // by target endpoint; "" for all
  MachineSettings defaults;
  std::map<std::string, MachineSettings> machines;
  std::string digest;  // SHA-256 over the parsed site, secrets left out, hexadecimal
};

}  // namespace flyt
