#include "drivers/driver.hpp"

#include <fmt/format.h>

namespace flyt {
namespace {

Error unsupported(const Driver& driver, std::string_view what) {
  return {Errc::unsupported, fmt::format("the driver {} cannot {}", driver.info().name, what)};
}

}  // namespace

Result<std::vector<LandedDisk>> Lander::land(const LandSpec&, const Call&) {
  return Error{Errc::unsupported,
               "there is nothing to land: disks are written where they are read"};
}

Result<Machine> Publisher::publish(const std::string&, const MachineSpec&, const Call&) {
  return Error{Errc::unsupported,
               "this driver makes no templates, and no volumes without a machine"};
}

Result<Enrolment> Enroller::enrol(const std::string&, const Enrolment&, const Owner&, const Call&) {
  return Error{Errc::unsupported, "machines of this platform are enrolled in nothing"};
}

Result<Observation> Driver::observe(const std::string&, const Call&) {
  return unsupported(*this, "observe machines");
}

Result<ConsoleText> Driver::console(const std::string&, const std::string&, const Call&) {
  return unsupported(*this, "read consoles");
}

Status Driver::set_tracking(const std::string&, bool, const Call&) {
  return unsupported(*this, "track changes");
}

Result<View> Driver::make_view(const ViewSpec&, const Call&) {
  return unsupported(*this, "make views");
}

Status Driver::drop_view(const ViewSpec&, const Call&) { return unsupported(*this, "drop views"); }

Result<std::unique_ptr<Channel>> Driver::open(const OpenSpec& spec, const Call&) {
  return unsupported(*this, spec.use == Use::read ? "read disks" : "write disks");
}

Result<Machine> Driver::create_machine(const MachineSpec&, const Call&) {
  return unsupported(*this, "create machines");
}

Result<Machine> Driver::update_machine(const std::string&, const MachineSpec&, const Call&) {
  return unsupported(*this, "change machines");
}

Status Driver::destroy(const std::string&, const Owner&, const Call&) {
  return unsupported(*this, "remove machines");
}

Status Driver::set_power(const std::string&, PowerChange, const Call&) {
  return unsupported(*this, "switch machines on or off");
}

}  // namespace flyt
