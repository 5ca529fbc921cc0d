#include <concepts>
#include <cstdint>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/enrolment_fields.hpp"
#include "base/inventory_json.hpp"
#include "plans/step_detail.hpp"

namespace flyt {
namespace {

using Json = nlohmann::json;

// Texts come from platforms and may be no UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error not_readable(std::string_view step) {
  return {.code = Errc::corrupt,
          .what = "the journal's record of a step cannot be read: " + std::string(step),
          .remedy = {"keep journal.db and tell the makers of flyt"}};
}

// nlohmann itself takes a number that does not fit, such as -1, for another one.
template <std::unsigned_integral T>
T whole(const Json& json) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > std::numeric_limits<T>::max()) {
    throw std::out_of_range("no whole number in range");
  }
  return json.get<T>();
}

// Reads with `read`, which may throw: whole(), and nlohmann for a wrong type or a missing member.
template <typename T, typename Read>
Result<T> guarded(std::string_view text, std::string_view step, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const std::exception&) {
    return not_readable(step);
  }
}

std::string text_member(std::string_view text, const char* name) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<bool> flag_member(std::string_view text, const char* name) {
  const Json json = Json::parse(text, nullptr, false);
  const auto found = json.is_object() ? json.find(name) : json.end();
  if (found == json.end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

std::optional<std::uint64_t> left_out_in(const Json& json) {
  const auto found = json.find("left_out");
  if (found == json.end() || found->is_null()) return std::nullopt;
  return whole<std::uint64_t>(*found);
}

Json of(const Extent& extent) { return Json::array({extent.offset, extent.length, extent.zero}); }

}  // namespace

bool ViewDetail::holds(std::string_view disk) const {
  return !name.empty() && std::find(outside.begin(), outside.end(), disk) == outside.end();
}

std::string detail_of(const ViewDetail& detail) {
  return dump({{"name", detail.name},
               {"number", detail.number},
               {"identity", detail.identity},
               {"outside", detail.outside},
               {"stamps", detail.stamps},
               {"changes", detail.changes},
               {"of_running", detail.of_running},
               {"released", detail.released},
               {"base", detail.base},
               {"since", detail.since}});
}

std::string detail_of_power(Power was) { return dump({{"was", std::string(to_string(was))}}); }

std::string detail_of_first_start(bool knows) { return dump({{"knows", knows}}); }

std::string detail_of_tracking(bool was) { return dump({{"tracked", was}}); }

std::string detail_of(const CopyDetail& detail) {
  return dump({{"root", detail.root},
               {"length", detail.length},
               {"read_bytes", detail.read_bytes},
               {"written_bytes", detail.written_bytes},
               {"kept_bytes", detail.kept_bytes},
               {"distrusted", detail.distrusted},
               {"view", detail.view},
               {"left_out", detail.left_out ? Json(*detail.left_out) : Json()},
               {"wrong_map", detail.wrong_map}});
}

std::string detail_of(const CommitDetail& detail) {
  return dump({{"root", detail.root},
               {"changed_bytes", detail.changed_bytes},
               {"changed_blocks", detail.changed_blocks},
               {"outside_equal", detail.outside_equal}});
}

std::string detail_of(const Conversion& detail) {
  Json disks = Json::array();
  for (const ConvertedDisk& disk : detail.disks) {
    Json changed = Json::array();
    for (const Extent& extent : disk.changed) changed.push_back(of(extent));
    disks.push_back({{"overlay", disk.overlay.native()}, {"changed", std::move(changed)}});
  }
  return dump({{"program", detail.program},
               {"log", detail.log.native()},
               {"warnings", detail.warnings},
               {"disks", std::move(disks)}});
}

std::string detail_of(const std::vector<LandedDisk>& disks) {
  Json all = Json::array();
  for (const LandedDisk& disk : disks) {
    all.push_back({{"disk", disk.disk},
                   {"volume", disk.volume},
                   {"sent_bytes", disk.sent_bytes},
                   {"sha256", disk.sha256},
                   {"unread", disk.unread}});
  }
  return dump({{"landed", std::move(all)}});
}

std::string detail_of(const Enrolment& enrolment) {
  return dump({{"enrolled", fields_json(enrolment)}});
}

std::string detail_of(const std::vector<Verdict>& verdicts) {
  Json all = Json::array();
  for (const Verdict& verdict : verdicts) all.push_back(to_json(verdict));
  return dump({{"verdicts", std::move(all)}});
}

std::string detail_of(const Error& error) { return dump({{"error", to_json(error)}}); }

std::string detail_of_machine(std::string_view target_id, std::string_view source) {
  return dump({{"machine", std::string(target_id)}, {"source", std::string(source)}});
}

Result<ViewDetail> view_detail(std::string_view text) {
  return guarded<ViewDetail>(text, "view", [](const Json& json) {
    return ViewDetail{json.at("name").get<std::string>(),
                      whole<ViewNumber>(json.at("number")),
                      json.value("identity", std::string()),
                      json.value("outside", std::vector<std::string>()),
                      json.value("stamps", std::vector<std::string>()),
                      json.value("changes", std::vector<std::string>()),
                      json.value("of_running", false),
                      json.value("released", false),
                      whole<ViewNumber>(json.value("base", Json(0U))),
                      json.value("since", std::vector<std::string>())};
  });
}

Result<CopyDetail> copy_detail(std::string_view text) {
  return guarded<CopyDetail>(text, "copy", [](const Json& json) {
    return CopyDetail{json.at("root").get<std::string>(),
                      whole<std::uint64_t>(json.at("length")),
                      whole<std::uint64_t>(json.at("read_bytes")),
                      whole<std::uint64_t>(json.at("written_bytes")),
                      whole<std::uint64_t>(json.at("kept_bytes")),
                      json.at("distrusted").get<bool>(),
                      json.contains("view") ? whole<ViewNumber>(json.at("view")) : 1,
                      left_out_in(json),
                      json.value("wrong_map", false)};
  });
}

Result<CommitDetail> commit_detail(std::string_view text) {
  return guarded<CommitDetail>(text, "commit", [](const Json& json) {
    return CommitDetail{
        json.at("root").get<std::string>(), whole<std::uint64_t>(json.at("changed_bytes")),
        whole<std::uint64_t>(json.at("changed_blocks")), json.at("outside_equal").get<bool>()};
  });
}

Result<Conversion> conversion_detail(std::string_view text) {
  return guarded<Conversion>(text, "convert", [](const Json& json) {
    Conversion conversion;
    conversion.program = json.at("program").get<std::string>();
    conversion.log = json.at("log").get<std::string>();
    conversion.warnings = json.at("warnings").get<std::vector<std::string>>();
    for (const Json& disk : json.at("disks")) {
      ConvertedDisk converted{disk.at("overlay").get<std::string>(), {}};
      for (const Json& extent : disk.at("changed")) {
        converted.changed.push_back({whole<std::uint64_t>(extent.at(0)),
                                     whole<std::uint64_t>(extent.at(1)), extent.at(2).get<bool>()});
      }
      conversion.disks.push_back(std::move(converted));
    }
    return conversion;
  });
}

Result<std::vector<LandedDisk>> landed_detail(std::string_view text) {
  return guarded<std::vector<LandedDisk>>(text, "land", [](const Json& json) {
    std::vector<LandedDisk> disks;
    for (const Json& one : json.at("landed")) {
      disks.push_back({one.at("disk").get<std::string>(), one.at("volume").get<std::string>(),
                       whole<std::uint64_t>(one.at("sent_bytes")),
                       one.at("sha256").get<std::string>(), one.at("unread").get<std::string>()});
    }
    return disks;
  });
}

Result<Enrolment> enrolment_detail(std::string_view text) {
  return guarded<Enrolment>(text, "enrol", [](const Json& json) -> Result<Enrolment> {
    auto enrolment = fields_from<Enrolment>(json.at("enrolled"), "enrolled", Words::lenient);
    if (!enrolment) return not_readable("enrol");
    return enrolment;
  });
}

Result<std::vector<Verdict>> verdicts_detail(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("verdicts")) return not_readable("verdict");
  std::vector<Verdict> verdicts;
  for (const Json& one : json["verdicts"]) {
    auto verdict = verdict_from(one);
    if (!verdict) return not_readable("verdict");
    verdicts.push_back(*std::move(verdict));
  }
  return verdicts;
}

std::optional<Error> error_detail(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("error")) return std::nullopt;
  Error error;
  if (!error_from(json["error"], error)) return std::nullopt;
  return error;
}

Power power_detail(std::string_view text) { return power_from(text_member(text, "was")); }

std::optional<bool> tracking_detail(std::string_view text) { return flag_member(text, "tracked"); }

bool first_start_detail(std::string_view text) {
  return flag_member(text, "knows").value_or(false);
}

std::string machine_detail(std::string_view text) { return text_member(text, "machine"); }

std::string source_detail(std::string_view text) { return text_member(text, "source"); }

}  // namespace flyt
