// Comma separated values, as RVTools and Excel write them.
#pragma once

#include <string_view>

#include "base/call.hpp"
#include "drivers/rvtools/cells.hpp"

namespace flyt::rvtools {

// RFC 4180, with ',', ';', a tabulator or '|' between fields: whichever the header has most of, or
// what a first line "sep=;" says. Errc::corrupt names the line that has other fields than the
// header, or where a quote is opened that nothing closes: no column is ever guessed.
Status read_csv(std::string_view text, std::string_view what, const RowSink& sink,
                const Call& call);

}  // namespace flyt::rvtools
