#include "base/enrolment.hpp"

#include "tests/catch.hpp"

namespace flyt {
namespace {

Enrolment all() {
  return {true, 7, 30, "started", "north", {"apart"}, {"nightly"}, "pve2", "*/30", {"web", "ssh"}};
}

}  // namespace

TEST_CASE("what is not so as it was asked for is told, and nothing else", "[enrolment]") {
  CHECK(lacking(all(), all()).empty());
  CHECK(lacking({}, all()).empty());
  CHECK(lacking(all(), {}) == all());
  Enrolment seen = all();
  seen.start_at_boot = false;
  seen.start_order = 8;
  seen.ha_group.clear();
  seen.backup_jobs = {"weekly"};
  seen.firewall = {"ssh"};
  Enrolment lacks;
  lacks.start_at_boot = true;
  lacks.start_order = 7;
  lacks.ha_group = "north";
  lacks.backup_jobs = {"nightly"};
  lacks.firewall = {"web"};
  CHECK(lacking(all(), seen) == lacks);
}

TEST_CASE("an enrolment reads as people say it", "[enrolment]") {
  CHECK(enrolment_words({}).empty());
  CHECK(enrolment_words(all()) ==
        std::vector<std::string>{"starts with its host, start order 7, the next one 30 s later",
                                 "high availability: started, HA group north, HA rule apart",
                                 "backup job nightly", "replicated to pve2 at */30",
                                 "security group web", "security group ssh"});
}

}  // namespace flyt
