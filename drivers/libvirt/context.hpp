// What all parts of the driver work with.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/site.hpp"
#include "drivers/libvirt/acceleration.hpp"
#include "drivers/libvirt/connection.hpp"
#include "drivers/shared/kept_files.hpp"
#include "drivers/shared/landing.hpp"

namespace flyt::virt {

struct Context {
  Context(EndpointConfig endpoint, std::string uri, std::optional<FarDaemon> far, LandingHost host,
          Accel accel)
      : config(std::move(endpoint)),
        connection(std::move(uri), std::move(far)),
        landing(std::move(host)),
        acceleration(accel, landing, config),
        kept(config.state / "kept" / config.name) {}

  const EndpointConfig config;
  Connection connection;
  const LandingHost landing;
  Acceleration acceleration;
  const KeptFiles kept;  // volumes without a machine that migrations have made
  std::string default_pool = "default";
  std::mutex making;  // one machine at a time: names and migrations are compared first
};

}  // namespace flyt::virt
