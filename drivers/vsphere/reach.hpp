// Whether a server answers by HTTPS, whom its certificate names, and what its clock says.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/call.hpp"
#include "base/result.hpp"

namespace flyt::vsphere {

struct Reach {
  std::optional<Error> error;  // it does not answer
  // SHA-256 of its certificate where no authority that we trust has signed it; empty: one has.
  std::string untrusted;
  std::optional<std::chrono::seconds> ahead;  // its clock, of ours; to the second
  std::optional<Error> vddk;                  // the port of VDDK was tried, and does not answer
};

// Asks for the first page of `url`: nothing secret is sent. `ca`: as HttpTrust::ca.
Reach look_at_server(const std::string& url, const std::filesystem::path& ca, const Call& call);

// Whether a host listens at port 902, where VDDK reads disks: connects, sends nothing, and closes.
Status try_vddk_port(const std::string& host, const Call& call);

// "2026-11-24T01:12:44.123Z", as SOAP writes times, and "Tue, 24 Nov 2026 01:12:44 GMT", as HTTP
// does. Nothing: it is none.
std::optional<std::chrono::system_clock::time_point> soap_time(const std::string& text);
std::optional<std::chrono::system_clock::time_point> http_time(const std::string& text);

}  // namespace flyt::vsphere
