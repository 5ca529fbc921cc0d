#!/usr/bin/env python3
"""Builds and runs test suites: tests/run.py [--list] [--full] [NAME...].

A suite NAME is what stands in tests/NAME: C++ sources, built into the Catch2 program flyt_NAME, and
executable scripts (*.py, *.sh), of which each is one test: exit 0 passed, 77 skipped (the last line
says why), anything else failed. Besides there are `sanitizers` and `tsan`, which run the same
programs from other presets (tsan: what is tagged [tsan]), and `fuzz`.

What a suite needs is built while those before it run.

FLYT_TEST_REQUIRE=a,b: a skip in a suite or test tag of that name is a failure.
The last line is "N passed, N failed, N skipped".
"""

import argparse
import os
import sys
import time

import suites


def main():
    parser = argparse.ArgumentParser(description="Build and run test suites.")
    parser.add_argument("--list", action="store_true", help="name the suites and stop")
    parser.add_argument("--full", action="store_true", help="run the slow suite `full` too")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()

    known = suites.discover()
    if options.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no suite {', '.join(unknown)}; there are: {', '.join(known)}")
    names = options.names or [name for name in known if name != "full"]
    if options.full and "full" in known and "full" not in names:
        names.append("full")

    os.chdir(suites.ROOT)
    total = suites.Counts()
    with suites.Builder({name: known[name] for name in names}) as builder:
        for name in names:
            print(f"== {name}", flush=True)
            started = time.monotonic()
            counts = known[name].run() if builder.has_built(name) else suites.Counts(failed=1)
            print(f"   {counts} ({time.monotonic() - started:.0f} s)", flush=True)
            total.add(counts)
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
