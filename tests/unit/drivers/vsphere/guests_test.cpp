#include "drivers/vsphere/guests.hpp"

#include "tests/catch.hpp"

namespace flyt::vsphere {

TEST_CASE("the family of a guest is known from its id", "[vsphere]") {
  for (const char* id : {"almalinux_64Guest",
                         "amazonlinux2_64Guest",
                         "asianux8_64Guest",
                         "centos7_64Guest",
                         "centosGuest",
                         "coreos64Guest",
                         "crxPod1Guest",
                         "debian12_64Guest",
                         "debian6Guest",
                         "fedora64Guest",
                         "flatcar_64Guest",
                         "fusionos_64Guest",
                         "genericLinuxGuest",
                         "kylinlinux_64Guest",
                         "mandrakeGuest",
                         "mandriva64Guest",
                         "miraclelinux_64Guest",
                         "nld9Guest",
                         "oesGuest",
                         "opensuse64Guest",
                         "oracleLinux8_64Guest",
                         "other24xLinuxGuest",
                         "other26xLinux64Guest",
                         "other3xLinux64Guest",
                         "other4xLinux64Guest",
                         "other5xLinuxGuest",
                         "other6xLinux64Guest",
                         "other7xLinux64Guest",
                         "otherLinux64Guest",
                         "pardus_64Guest",
                         "prolinux_64Guest",
                         "redhatGuest",
                         "rhel9_64Guest",
                         "rockylinux_64Guest",
                         "sjdsGuest",
                         "sles15_64Guest",
                         "suse64Guest",
                         "turboLinuxGuest",
                         "ubuntu64Guest",
                         "vmwarePhoton64Guest"}) {
    INFO(id);
    CHECK(guest_family(id, "") == GuestFamily::linux);
  }
  for (const char* id :
       {"win2000ServGuest", "win31Guest", "winNetEnterprise64Guest", "winLonghorn64Guest",
        "winVista64Guest", "winXPProGuest", "windows11_64Guest", "windows2019srvNext_64Guest",
        "windows7Server64Guest", "windows9Server64Guest", "windowsHyperVGuest", "longhornGuest"}) {
    INFO(id);
    CHECK(guest_family(id, "") == GuestFamily::windows);
  }
  for (const char* id : {"darwin21_64Guest", "dosGuest", "eComStation2Guest", "freebsd13_64Guest",
                         "netware6Guest", "openServer6Guest", "os2Guest", "solaris11_64Guest",
                         "unixWare7Guest", "vmkernel7Guest", "vmkernelGuest"}) {
    INFO(id);
    CHECK(guest_family(id, "") == GuestFamily::other);
  }
  for (const char* id : {"", "otherGuest", "otherGuest64", "brandNew_64Guest"}) {
    INFO(id);
    CHECK(guest_family(id, "") == GuestFamily::unknown);
  }
}

TEST_CASE("what runs is believed before what was configured", "[vsphere]") {
  CHECK(guest_family("windows9_64Guest", "linuxGuest") == GuestFamily::linux);
  CHECK(guest_family("otherGuest64", "windowsGuest") == GuestFamily::windows);
  CHECK(guest_family("debian12_64Guest", "otherGuestFamily") == GuestFamily::linux);
}

}  // namespace flyt::vsphere
