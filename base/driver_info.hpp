// What a driver is and can.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace flyt {

// What a driver can do, as data. Conformance checks both directions.
enum class Capability : std::uint8_t {
  observe,    // observe()
  view,       // make_view(), drop_view()
  tracking,   // set_tracking(), OpenSpec::since
  read,       // open(Use::read)
  write,      // open(Use::write)
  create,     // create_machine()
  update,     // update_machine()
  grow,       // update_machine() of a machine whose disks are to be larger
  destroy,    // destroy()
  power,      // set_power()
  land,       // land(): what is written is not yet where the machine reads it
  volumes,    // create_machine(), publish() of volumes without a machine
  templates,  // publish() of templates
  enrol,      // enrol()
  introduce,  // update_machine() as MachineSpec::first_start
};

class Capabilities {
 public:
  constexpr Capabilities() = default;
  constexpr Capabilities(std::initializer_list<Capability> all) {
    for (const Capability one : all) bits_ |= bit(one);
  }
  constexpr bool has(Capability one) const { return (bits_ & bit(one)) != 0; }

 private:
  static constexpr std::uint32_t bit(Capability one) { return 1U << static_cast<unsigned>(one); }
  std::uint32_t bits_ = 0;
};

struct DriverInfo {
  std::string name;     // value of `driver =`
  std::string version;  // of the driver, for evidence
  Capabilities can;
  unsigned max_concurrency = 1;  // calls that may be in flight at once
  // Machines that run can be copied, shut down and synced once more.
  bool can_cut_over() const { return can.has(Capability::view) && can.has(Capability::power); }
  bool kvm = false;  // guests run under KVM on this machine, as far as is known without trying
  // Tells what stands in a file. No disk can be opened; a plan made from a saved inventory is
  // applied with a driver of the platform itself, one from an export is made anew.
  bool record = false;
};

}  // namespace flyt
