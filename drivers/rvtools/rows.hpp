// What one row of each tab says of a machine.
#pragma once

#include "drivers/rvtools/machines.hpp"

namespace flyt::rvtools {

Source source_of(const Row& row, const Header& header);  // of vInfo
void add_cpus(const Row& row, Source& to);
void add_memory(const Row& row, Source& to);
void add_disk(const Row& row, Source& to);
void add_partition(const Row& row, Source& to);
void add_nic(const Row& row, Source& to);
void add_drive(const Row& row, Source& to);
void add_usb(const Row& row, Source& to);
void add_snapshot(const Row& row, Source& to);
void add_tools(const Row& row, Source& to);

// Where the tab vNetwork is missing: as many as vInfo counts, of the networks that it names.
void add_bare_nics(Source& to);

// With its concerns, among them that the tabs contradict each other.
Machine complete_machine(Source source, Ground& ground);

}  // namespace flyt::rvtools
