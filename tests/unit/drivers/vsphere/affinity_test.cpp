#include "drivers/vsphere/affinity.hpp"

#include "drivers/shared/xml.hpp"
#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

std::vector<AffinityRule> rules(const std::string& text) {
  const auto document = parse_xml("<val xmlns:xsi=\"urn:i\">" + text + "</val>", "rules");
  REQUIRE(document);
  return rules_of((*document)->document_element(), "c1");
}

std::string rule(const std::string& type, const std::string& name, const std::string& more) {
  return "<rule xsi:type=\"" + type + "\"><key>1</key><enabled>true</enabled><name>" + name +
         "</name>" + more + "</rule>";
}

// ClusterConfigInfoEx, after the vSphere API reference.
const std::string groups = R"(<group xsi:type="ClusterVmGroup"><name>dbs</name>
<vm type="VirtualMachine">vm-1</vm><vm type="VirtualMachine">vm-2</vm></group>
<group xsi:type="ClusterHostGroup"><name>licensed</name><host type="HostSystem">host-9</host>
</group>)";

}  // namespace

TEST_CASE("rules between machines are read", "[vsphere]") {
  const std::string both =
      R"(<vm type="VirtualMachine">vm-1</vm><vm type="VirtualMachine">vm-2</vm>)";
  const auto found =
      rules(rule("ClusterAffinityRuleSpec", "near%2f1", both) +
            rule("ClusterAntiAffinityRuleSpec", "far", "<mandatory>true</mandatory>" + both));
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "near/1");
  CHECK(found[0].cluster == "c1");
  CHECK(found[0].kind == AffinityKind::together);
  CHECK_FALSE(found[0].must);
  CHECK(found[0].machines == std::vector<std::string>{"vm-1", "vm-2"});
  CHECK(found[0].hosts.empty());
  CHECK(found[1].kind == AffinityKind::apart);
  CHECK(found[1].must);
}

TEST_CASE("rules between machines and hosts are read through their groups", "[vsphere]") {
  const auto host_rule = [](const std::string& which, const std::string& hosts) {
    return rule("ClusterVmHostRuleInfo", "r",
                "<vmGroupName>dbs</vmGroupName><" + which + ">" + hosts + "</" + which + ">");
  };
  const auto found = rules(groups + host_rule("affineHostGroupName", "licensed") +
                           host_rule("antiAffineHostGroupName", "licensed") +
                           host_rule("affineHostGroupName", "gone"));
  REQUIRE(found.size() == 3);
  CHECK(found[0].kind == AffinityKind::on_hosts);
  CHECK(found[0].machines == std::vector<std::string>{"vm-1", "vm-2"});
  CHECK(found[0].hosts == std::vector<std::string>{"host-9"});
  CHECK(found[1].kind == AffinityKind::off_hosts);
  CHECK(found[1].hosts == std::vector<std::string>{"host-9"});
  CHECK(found[2].hosts.empty());
}

TEST_CASE("rules that are switched off, or of another kind, are none", "[vsphere]") {
  CHECK(
      rules(R"(<rule xsi:type="ClusterAffinityRuleSpec"><enabled>false</enabled></rule>)").empty());
  CHECK(rules(rule("ClusterDependencyRuleInfo", "restart", "")).empty());
  CHECK(rules("").empty());
  CHECK(rules_of({}, "c1").empty());
}

}  // namespace flyt::vsphere
