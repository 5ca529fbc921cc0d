// Sheets of a workbook: elements, cells and the texts that they share.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/rvtools/encoding.hpp"
#include "drivers/rvtools/workbook.hpp"
#include "drivers/shared/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text =
      flyt::rvtools::to_utf8(std::string(reinterpret_cast<const char*>(data), size));
  (void)flyt::rvtools::read_sheet(text, {"a", "b"}, "fuzz",
                                  [](const flyt::rvtools::Cells& cells) {
                                    for (const auto& cell : cells) {
                                      if (!flyt::is_clean_utf8(cell.text, true)) __builtin_trap();
                                      (void)flyt::rvtools::number_of(cell);
                                    }
                                    return flyt::ok();
                                  },
                                  {});
  return 0;
}
