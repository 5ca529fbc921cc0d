// How an endpoint says in which way its host is reached.
#include <map>
#include <string>

#include "drivers/libvirt/libvirt.hpp"
#include "tests/catch.hpp"

namespace flyt::virt {
namespace {

Result<std::unique_ptr<Driver>> open_with(std::map<std::string, std::string> values) {
  EndpointConfig config;
  config.name = "kvm1";
  config.driver = "libvirt";
  config.values = std::move(values);
  return open(config, {});
}

TEST_CASE("a libvirt on another host is reached by ssh alone") {
  CHECK(open_with({{"uri", "qemu+ssh://root@kvm1/system"}}));
  CHECK(open_with({{"uri", "qemu+ssh://kvm1:2222/system"}, {"landing", "ssh+sudo"}}));
  CHECK(open_with({{"uri", "qemu+ssh://root@[2001:db8::1]:22/system?socket=/run/a/b"}}));
  CHECK(open_with({{"uri", "qemu+ssh://kvm1/system"}, {"landing", "ssh:root@storage1"}}));
  for (const char* uri :
       {"qemu+ssh://root@kvm1/session", "qemu+ssh://root@kvm1/", "qemu+ssh:///system",
        "qemu+ssh://root@kvm1/system?no_verify=1", "qemu+ssh://kvm1/system?socket=/a&no_verify=1",
        "qemu+ssh://kvm1/system?socket=a:b", "qemu+ssh://-oProxyCommand%3Dx/system",
        "qemu+tls://kvm1/system", "xen:///system"}) {
    INFO(uri);
    const auto refused = open_with({{"uri", uri}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid);
    CHECK(refused.error().what.find("uri = ") != std::string::npos);
  }
}

TEST_CASE("the disks of another host are not on this one") {
  for (const char* landing : {"local", "sudo"}) {
    const auto refused = open_with({{"uri", "qemu+ssh://kvm1/system"}, {"landing", landing}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid);
    CHECK_FALSE(refused.error().remedy.empty());
  }
  CHECK_FALSE(open_with({{"landing", "ssh"}}));  // of which host?
  CHECK(open_with({{"landing", "sudo"}}));
}

TEST_CASE("what is known of another host's KVM is not told of this machine") {
  const auto far = open_with({{"uri", "qemu+ssh://kvm1/system"}, {"accel", "kvm"}});
  REQUIRE(far);
  CHECK_FALSE((*far)->info().kvm);
  const auto near = open_with({{"accel", "kvm"}});
  REQUIRE(near);
  CHECK((*near)->info().kvm);
}

}  // namespace
}  // namespace flyt::virt
