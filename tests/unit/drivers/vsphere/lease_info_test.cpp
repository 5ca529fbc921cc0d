#include "drivers/vsphere/lease_info.hpp"

#include <fmt/format.h>

#include "tests/catch.hpp"

namespace flyt::vsphere {
namespace {

using std::chrono::seconds;

LeaseInfo info_of(const std::string& inner) {
  pugi::xml_document document;
  const std::string text = "<val xsi:type=\"HttpNfcLeaseInfo\">" + inner + "</val>";
  REQUIRE(document.load_string(text.c_str()));
  return lease_info_of(document.document_element());
}

std::string device(const std::string& key, const std::string& more = "<disk>true</disk>") {
  return fmt::format(
      "<deviceUrl><key>{}</key><importKey/><url>https://*/nfc/52-ab/{}</url>"
      "<sslThumbprint>69:21</sslThumbprint>{}</deviceUrl>",
      key, key.substr(key.rfind('/') + 1), more);
}

DeviceDisk disk(const std::string& key, const std::string& place) {
  DeviceDisk one;
  one.key = key;
  one.place = place;
  return one;
}

// The key of the URL that is chosen, or the error's code.
std::string chosen(const LeaseInfo& info, const DeviceDisk& wanted,
                   const std::vector<DeviceDisk>& disks) {
  const auto url = url_of_disk(info, wanted, disks, "web01: Hard disk 1");
  return url ? url->key : std::string(to_string(url.error().code));
}

TEST_CASE("an export lease is read as the server writes it", "[vsphere]") {
  const LeaseInfo info =
      info_of("<lease type=\"HttpNfcLease\">session[1]2</lease>" +
              device("/vm-70/ParaVirtualSCSIController0:0") +
              device("/vm-70/nvram", "<disk>false</disk><fileSize>270840</fileSize>") +
              device("/vm-70/VirtualIDEController1:0", "") +
              "<totalDiskCapacityInKB>1024</totalDiskCapacityInKB><leaseTimeout>90</leaseTimeout>");
  REQUIRE(info.urls.size() == 3);
  CHECK(info.urls[0].key == "/vm-70/ParaVirtualSCSIController0:0");
  CHECK(info.urls[0].url == "https://*/nfc/52-ab/ParaVirtualSCSIController0:0");
  CHECK(info.urls[0].thumbprint == "69:21");
  CHECK(info.urls[0].disk);
  CHECK_FALSE(info.urls[1].disk);
  CHECK(info.urls[2].disk);  // old servers do not say it
  CHECK(info.timeout == seconds(90));
  CHECK(info_of("").timeout == seconds(300));
  CHECK(info_of("<leaseTimeout>0</leaseTimeout>").timeout == seconds(300));
  CHECK(info_of("<leaseTimeout>300000000</leaseTimeout>").timeout == seconds(300));
}

TEST_CASE("the disk of a lease is found by its place or its device key", "[vsphere]") {
  const DeviceDisk first = disk("2000", "ParaVirtualSCSIController0:0"),
                   second = disk("2001", "ParaVirtualSCSIController0:1"),
                   other_bus = disk("2016", "ParaVirtualSCSIController1:0"),
                   tenth = disk("2010", "ParaVirtualSCSIController0:10");
  const std::vector<DeviceDisk> disks{first, second, other_bus, tenth};
  const LeaseInfo places = info_of(device("/vm-70/ParaVirtualSCSIController0:10") +
                                   device("/vm-70/paravirtualscsicontroller0:1") +
                                   device("/vm-70/ParaVirtualSCSIController1:0") +
                                   device("/vm-70/ParaVirtualSCSIController0:0"));
  CHECK(chosen(places, first, disks) == "/vm-70/ParaVirtualSCSIController0:0");
  CHECK(chosen(places, second, disks) == "/vm-70/paravirtualscsicontroller0:1");
  CHECK(chosen(places, other_bus, disks) == "/vm-70/ParaVirtualSCSIController1:0");
  CHECK(chosen(places, tenth, disks) == "/vm-70/ParaVirtualSCSIController0:10");
  const LeaseInfo keys = info_of(device("/8/2001") + device("2000"));
  CHECK(chosen(keys, first, disks) == "2000");
  CHECK(chosen(keys, second, disks) == "/8/2001");
}

TEST_CASE("a lease that does not tell its disks apart is refused", "[vsphere]") {
  const DeviceDisk first = disk("2000", "VirtualLsiLogicController0:0"),
                   second = disk("2001", "VirtualLsiLogicController0:1");
  const std::string known = "/vm-1/VirtualLsiLogicController0:0", odd = "/vm-1/disk0";
  // Missing, twice there, named in no known way.
  CHECK(chosen(info_of(device(known)), second, {first, second}) == "unsupported");
  CHECK(chosen(info_of(device(known) + device("/vm-2/VirtualLsiLogicController0:0")), first,
               {first, second}) == "unsupported");
  CHECK(chosen(info_of(device(odd)), first, {first, second}) == "unsupported");
  CHECK(chosen(info_of(device(known, "<disk>false</disk>")), first, {first}) == "unsupported");
  CHECK(chosen(info_of(""), first, {first}) == "unsupported");
  // The only disk of a machine with one needs no name.
  CHECK(chosen(info_of(device(odd) + device("/vm-1/nvram", "<disk>false</disk>")), first,
               {first}) == odd);
  CHECK(chosen(info_of(device(odd) + device("/vm-1/disk1")), first, {first}) == "unsupported");
  // Places that two disks share, which no server should say.
  CHECK(chosen(info_of(device(known)), first, {first, disk("2001", first.place)}) == "unsupported");
  const auto refused = url_of_disk(info_of(device(known)), second, {first, second}, "web01: two");
  CHECK(refused.error().what.find("web01: two: ") == 0);
  CHECK_THAT(refused.error().seen, Catch::Matchers::Contains(known));
  CHECK(refused.error().seen.find("52-ab") == std::string::npos);  // the ticket
}

LeaseSource source(const std::string& url, const std::string& thumbprint = "",
                   const std::string& server = "https://vc.example") {
  const HttpTrust trust{"/etc/ca.pem", "aa"};
  const auto made = source_of({"key", url, thumbprint, true}, server, trust, "web01");
  REQUIRE(made);
  return *made;
}

TEST_CASE("a lease that leaves the host open is read from the server", "[vsphere]") {
  LeaseSource open = source("https://*/nfc/52-ab/disk-0.vmdk", "69:21");
  CHECK(open.url == "https://vc.example/nfc/52-ab/disk-0.vmdk");
  CHECK(open.own_server);
  CHECK(open.trust.fingerprint == "aa");  // as the session's, whatever the lease says
  CHECK(open.trust.sha1.empty());
  CHECK(source("https://*/x", "", "https://vc.example:8443").url == "https://vc.example:8443/x");
  CHECK(source("https://*/x", "", "https://[fe80::1]").url == "https://[fe80::1]/x");
  open = source("https://*:902/x", "", "https://vc.example:8443");
  CHECK(open.url == "https://vc.example:902/x");
  CHECK_FALSE(open.own_server);
  CHECK(source("https://*:902/x", "", "https://[fe80::1]:8443").url == "https://[fe80::1]:902/x");
  CHECK(source("https://VC.example:443/x").own_server);
}

TEST_CASE("another host is trusted by what the lease says of it", "[vsphere]") {
  const std::string sha1 = "69:21:3F:1C:8A:A4:9A:A1:B1:0C:8A:7F:37:49:A0:3D:98:5A:63:EC";
  const LeaseSource host = source("https://esx1.example/nfc/52-ab/disk-0.vmdk", sha1);
  CHECK_FALSE(host.own_server);
  CHECK(host.host == "esx1.example");
  CHECK(host.trust.sha1 == "69213f1c8aa49aa1b10c8a7f3749a03d985a63ec");
  CHECK(host.trust.fingerprint.empty());  // which is the server's
  const std::string sha256(64, 'A');
  CHECK(source("https://esx1.example/x", sha256).trust.fingerprint == std::string(64, 'a'));
  const LeaseSource unnamed = source("https://esx1.example/x");
  CHECK(unnamed.trust.ca == "/etc/ca.pem");
  CHECK(unnamed.trust.fingerprint.empty());
  CHECK(unnamed.trust.sha1.empty());
  const auto code = [](const std::string& url, const std::string& thumbprint) {
    return source_of({"key", url, thumbprint, true}, "https://vc.example", {}, "web01")
        .error()
        .code;
  };
  CHECK(code("https://esx1.example/x", "69:21") == Errc::unsupported);
  CHECK(code("http://esx1.example/x", sha1) == Errc::corrupt);
  CHECK(code("nonsense", sha1) == Errc::corrupt);
  CHECK(code("", sha1) == Errc::corrupt);
}

}  // namespace
}  // namespace flyt::vsphere
