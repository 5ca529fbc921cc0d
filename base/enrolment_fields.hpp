// The members of an enrolment, as plans, journals and worlds name them.
#pragma once

#include "base/enrolment.hpp"
#include "base/fields_json.hpp"

namespace flyt {

template <>
struct Fields<Enrolment> {
  static void visit(auto& io, auto& enrolment) {
    io.unless_false("start_at_boot", enrolment.start_at_boot);
    io.unless_empty("start_order", enrolment.start_order);
    io.unless_empty("start_delay_s", enrolment.start_delay);
    io.unless_empty("ha", enrolment.ha);
    io.unless_empty("ha_group", enrolment.ha_group);
    io.unless_empty("ha_rules", enrolment.ha_rules);
    io.unless_empty("backup_jobs", enrolment.backup_jobs);
    io.unless_empty("replicate_to", enrolment.replicate_to);
    io.unless_empty("replicate_schedule", enrolment.replicate_schedule);
    io.unless_empty("firewall", enrolment.firewall);
  }
};

}  // namespace flyt
