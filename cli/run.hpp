// The whole program, behind one call.
#pragma once

namespace flyt::cli {

// Runs one command line. Returns the exit status.
int run(int argc, const char* const* argv);

}  // namespace flyt::cli
