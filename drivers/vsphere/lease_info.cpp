#include "drivers/vsphere/lease_info.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/lower_case.hpp"
#include "base/uri.hpp"
#include "drivers/shared/xml.hpp"

namespace flyt::vsphere {
namespace {

// What vCenter says. More is not believed: an ESXi host has been seen to say 300000000.
constexpr std::chrono::seconds usual_timeout{300};
constexpr unsigned https_port = 443;
constexpr std::size_t sha1_digits = 40, sha256_digits = 64;

std::string digits_of(std::string_view thumbprint) {
  std::string out = lower_case(thumbprint);
  out.erase(std::remove_if(out.begin(), out.end(), [](char c) { return c == ':' || c == ' '; }),
            out.end());
  return out;
}

std::string last_part(const std::string& key) {
  return lower_case(std::string_view(key).substr(key.rfind('/') + 1));
}

bool is_of(const LeaseUrl& url, const DeviceDisk& disk) {
  const std::string part = last_part(url.key);
  return part == disk.key || (!disk.place.empty() && part == lower_case(disk.place));
}

Error no_such_disk(const LeaseInfo& info, const DeviceDisk& wanted, std::string_view what) {
  std::string keys;
  for (const LeaseUrl& url : info.urls)
    keys += fmt::format("{}{}", keys.empty() ? "" : ", ", url.key);
  return {Errc::unsupported,
          fmt::format("{}: the export lease does not say which of its files is the disk", what),
          fmt::format("the disk is {} with key {}, the lease has {}", wanted.place, wanted.key,
                      keys.empty() ? "nothing" : keys),
          {},
          "the source was only read",
          {"read the disk another way:", "transport = \"ranges\""}};
}

Error unusable(std::string_view what, std::string_view why) {
  return {Errc::corrupt, fmt::format("{}: the export lease has a URL that cannot be used", what),
          std::string(why)};
}

bool same_server(const Uri& a, const Uri& b) {
  return lower_case(a.host) == lower_case(b.host) &&
         a.port.value_or(https_port) == b.port.value_or(https_port);
}

// "https://*/nfc/x" with the server's host and port; a port that stands there stays.
std::string with_host(const std::string& url, const std::string& server) {
  constexpr std::string_view open_host = "https://*";
  if (!url.starts_with(open_host)) return url;
  const std::string rest = url.substr(open_host.size());
  if (!rest.starts_with(':')) return server + rest;
  const auto port = server.rfind(':');
  const bool has_port = port > server.rfind('/') &&
                        server.find_first_not_of("0123456789", port + 1) == std::string::npos;
  return (has_port ? server.substr(0, port) : server) + rest;
}

}  // namespace

LeaseInfo lease_info_of(pugi::xml_node info) {
  LeaseInfo lease;
  const auto seconds = number_child(info, "leaseTimeout").value_or(0);
  lease.timeout = seconds > 0 && seconds < usual_timeout.count() ? std::chrono::seconds(seconds)
                                                                 : usual_timeout;
  for (const pugi::xml_node url : xml_children(info, "deviceUrl")) {
    lease.urls.push_back({xml_child_text(url, "key"), xml_child_text(url, "url"),
                          xml_child_text(url, "sslThumbprint"),
                          flag_child(url, "disk").value_or(true)});
  }
  return lease;
}

Result<LeaseUrl> url_of_disk(const LeaseInfo& info, const DeviceDisk& wanted,
                             const std::vector<DeviceDisk>& disks, std::string_view what) {
  std::vector<const LeaseUrl*> files, named;
  for (const LeaseUrl& url : info.urls) {
    if (!url.disk) continue;
    files.push_back(&url);
    if (is_of(url, wanted)) named.push_back(&url);
  }
  if (named.empty() && files.size() == 1 && disks.size() == 1) return *files.front();
  const bool certain =
      named.size() == 1 && std::none_of(disks.begin(), disks.end(), [&](const DeviceDisk& disk) {
        return disk.key != wanted.key && is_of(*named.front(), disk);
      });
  return certain ? Result<LeaseUrl>(*named.front()) : no_such_disk(info, wanted, what);
}

Result<LeaseSource> source_of(const LeaseUrl& offered, const std::string& server,
                              const HttpTrust& trust, std::string_view what) {
  LeaseSource source;
  source.url = with_host(offered.url, server);
  FLYT_ASSIGN(const Uri own, within(what, Uri::parse(server)));
  const auto uri = Uri::parse(source.url);
  if (!uri || uri->host.empty()) return unusable(what, "it is no URL with a host");
  if (uri->scheme != "https") return unusable(what, "it is not read by https");
  source.host = uri->host;
  source.own_server = same_server(*uri, own);
  if (source.own_server) {
    source.trust = trust;
    return source;
  }
  const std::string digits = digits_of(offered.thumbprint);
  source.trust.ca = trust.ca;
  if (digits.size() == sha1_digits) source.trust.sha1 = digits;
  if (digits.size() == sha256_digits) source.trust.fingerprint = digits;
  if (!digits.empty() && source.trust.sha1.empty() && source.trust.fingerprint.empty()) {
    return Error{
        Errc::unsupported,
        fmt::format("{}: the certificate of {} is named in an unknown way", what, source.host),
        offered.thumbprint};
  }
  return source;
}

}  // namespace flyt::vsphere
