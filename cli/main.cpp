#include "cli/run.hpp"

int main(int argc, char** argv) { return flyt::cli::run(argc, argv); }
