// What stands in a journal beside a step: read back, it says what it said.
#include "plans/step_detail.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

template <typename Read>
void round_trip(std::string_view text, Read read) {
  const auto detail = read(text);
  if (!detail) return;
  const std::string written = flyt::detail_of(*detail);
  const auto again = read(written);
  if (!again || flyt::detail_of(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  round_trip(text, flyt::view_detail);
  round_trip(text, flyt::copy_detail);
  round_trip(text, flyt::commit_detail);
  round_trip(text, flyt::conversion_detail);
  round_trip(text, flyt::verdicts_detail);
  round_trip(text, flyt::error_detail);
  (void)flyt::machine_detail(text);
  return 0;
}
