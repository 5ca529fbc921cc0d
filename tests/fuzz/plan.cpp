#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "plans/plan_document.hpp"

// What is read is written the same: the digest holds over every round.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = flyt::parse_plan(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!plan) return 0;
  if (flyt::plan_digest(*plan) != plan->digest) std::abort();
  if (!flyt::parse_plan(flyt::plan_text(*plan))) std::abort();
  return 0;
}
