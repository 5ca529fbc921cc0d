// An administrator of the lab: what its description cannot make, by SOAP calls of the test's own.
#pragma once

#include <string>

#include "drivers/vsphere/properties.hpp"
#include "tests/vsphere/vsphere_test.hpp"

namespace flyt::tests {

class VsphereAdmin {
 public:
  explicit VsphereAdmin(const VsphereLab& lab)
      : session_(vsphere::ServerConfig{lab.url(), lab.user(),
                                       [file = lab.password_file()](const Call& call) {
                                         return resolve({SecretSource::Kind::file, file}, {}, call);
                                       },
                                       HttpTrust{{}, lab.fingerprint()}}) {}

  // The object of that type and name, which must be there.
  vsphere::Ref find(const std::string& type, const std::string& name) {
    vsphere::Ref found;
    const auto look = [&](const vsphere::Object& object) -> Status {
      if (object.text("name") == name) found = object.ref();
      return ok();
    };
    REQUIRE(told(each_object(session_, {{type, {"name"}}}, look, in_time())) == "ok");
    if (found.empty()) FAIL("there is no " << type << " " << name);
    return found;
  }
  // A property of it that is a reference.
  vsphere::Ref ref_at(const vsphere::Ref& object, const std::string& path) {
    vsphere::Ref found;
    const auto look = [&](const vsphere::Object& one) -> Status {
      found = one.ref_at(path);
      return ok();
    };
    REQUIRE(told(each_of(session_, {object}, {object.type, {path}}, look, in_time())) == "ok");
    return found;
  }
  // Calls a method, waits for the task where it has begun one; what it returned or made.
  vsphere::Ref act(const std::string& method, const vsphere::Ref& self, const vsphere::Body& body) {
    const auto reply = session_.call(method, self, body, method, in_time());
    REQUIRE(told(reply) == "ok");
    vsphere::Ref made = vsphere::ref_of(reply->value());
    if (made.type != "Task") return made;
    return take(wait_for_task(session_, made, method, in_time()));
  }

 private:
  vsphere::Session session_;
};

}  // namespace flyt::tests
