// Machines on the test lab's libvirt, and what came of asking for them.
#pragma once

#include <memory>
#include <string>

#include "tests/catch.hpp"
#include "tests/libvirt/libvirt_lab.hpp"

namespace flyt::tests {

inline const Owner owner{"flyt-aaaaaaaaaaaaaaaaaaaa", 1};
inline const Owner other{"flyt-bbbbbbbbbbbbbbbbbbbb", 1};

inline MachineSpec spec_of(const std::string& name, Bus bus, const std::string& controller,
                           std::size_t disks = 2) {
  MachineSpec spec;
  spec.owner = owner;
  spec.name = name;
  spec.memory_bytes = 128U << 20;
  spec.notes = "moved <here> & back";
  for (std::size_t i = 0; i < disks; ++i) {
    DiskSpec disk;
    disk.size_bytes = (i + 1) << 20;
    disk.bus = bus;
    disk.controller = controller;
    disk.storage = "default";
    spec.disks.push_back(disk);
  }
  return spec;
}

template <typename T>
std::string code_of(const Result<T>& result) {
  if (result) return "ok";
  return std::string(to_string(result.error().code)) + " " + result.error().what + " " +
         result.error().seen;
}

template <typename T>
bool refuses(const Result<T>& result, Errc code) {
  if (!result && result.error().code == code) return true;
  UNSCOPED_INFO(code_of(result));
  return false;
}

inline Machine make(Driver& driver, const MachineSpec& spec) {
  auto machine = driver.create_machine(spec, in_time());
  REQUIRE(code_of(machine) == "ok");
  return *machine;
}

#define FLYT_LAB()                                      \
  LibvirtLab& lab = LibvirtLab::system();               \
  if (!lab.missing().empty()) FLYT_SKIP(lab.missing()); \
  lab.clean();                                          \
  const std::unique_ptr<Driver> driver = lab.driver()

}  // namespace flyt::tests
