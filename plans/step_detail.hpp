// What the journal keeps of a finished step, as JSON. Reading it back never throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/digest.hpp"
#include "base/enrolment.hpp"
#include "base/land.hpp"
#include "base/result.hpp"
#include "base/verdict.hpp"
#include "movers/converter.hpp"
#include "movers/mover.hpp"

namespace flyt {

struct ViewDetail {
  std::string name;  // empty: the source is read as it stands
  ViewNumber number = 1;
  std::string identity;              // View::identity
  std::vector<std::string> outside;  // Disk::id of those that it does not hold; with a name
  std::vector<std::string> stamps;   // Disk::stamp of each disk that is read as it stands
  std::vector<std::string> changes;  // ViewDisk::change_id of each disk; with a name
  bool of_running = false;           // the machine ran when the view was made
  bool released = false;             // dropped once its copies were whole
  // What the copies were of, whole, before this one: its number and its `changes`. 0: not known.
  ViewNumber base = 0;
  std::vector<std::string> since;
  bool holds(std::string_view disk) const;
};

// The record beside the steps that says which number the view after a dropped one has: ViewDetail.
inline constexpr const char* view_dropped = "view-dropped";
// The one that says, once a guest has had its time at a first start, whether it knows its drivers.
inline constexpr const char* first_start_over = "first-start";

struct CopyDetail {
  std::string root;  // hexadecimal
  std::uint64_t length = 0, read_bytes = 0, written_bytes = 0, kept_bytes = 0;
  bool distrusted = false;
  ViewNumber view = 1;
  std::optional<std::uint64_t> left_out = {};  // CopyReport::left_out
  bool wrong_map = false;                      // CopyReport::wrong_map
};

struct CommitDetail {
  std::string root;
  std::uint64_t changed_bytes = 0, changed_blocks = 0;
  bool outside_equal = false;
};

std::string detail_of(const ViewDetail& detail);
// What the source's power was before flyt switched it off.
std::string detail_of_power(Power was);
// Whether its agent answered: it comes with the drivers.
std::string detail_of_first_start(bool knows);
// Whether its changes were tracked before flyt switched that on.
std::string detail_of_tracking(bool was);
std::string detail_of(const CopyDetail& detail);
std::string detail_of(const CommitDetail& detail);
std::string detail_of(const Conversion& detail);
std::string detail_of(const std::vector<LandedDisk>& disks);
std::string detail_of(const Enrolment& enrolment);
std::string detail_of(const std::vector<Verdict>& verdicts);
std::string detail_of(const Error& error);
// `source`: Machine::id of what it is made from.
std::string detail_of_machine(std::string_view target_id, std::string_view source);

// Errc::corrupt: the journal holds what this step cannot have written.
Result<ViewDetail> view_detail(std::string_view text);
Power power_detail(std::string_view text);  // unknown: it does not say
std::optional<bool> tracking_detail(std::string_view text);
bool first_start_detail(std::string_view text);  // what it does not say is not so
Result<CopyDetail> copy_detail(std::string_view text);
Result<CommitDetail> commit_detail(std::string_view text);
Result<Conversion> conversion_detail(std::string_view text);
Result<std::vector<LandedDisk>> landed_detail(std::string_view text);
Result<Enrolment> enrolment_detail(std::string_view text);
Result<std::vector<Verdict>> verdicts_detail(std::string_view text);
std::optional<Error> error_detail(std::string_view text);
std::string machine_detail(std::string_view text);  // the target's id; empty: none
std::string source_detail(std::string_view text);   // the source's; empty: not known

}  // namespace flyt
