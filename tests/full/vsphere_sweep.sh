#!/usr/bin/env bash
# Ten more samples of the faults of tests/vsphere/sweep_test.cpp, and some that take a minute each. About a quarter of an
# hour; FLYT_TEST_SWEEP=all build/dev/flyt_vsphere '[sweep]' plays all of them, in some hours.
set -euo pipefail
cd "$FLYT_SOURCE"
tests/lab/vsphere/build.sh build/vsphere >&2 || {
    status=$?
    echo "the vSphere of tests/lab cannot be built here"
    exit $status
}
./dev build dev flyt_vsphere
for choice in 1 2 3 4 5 6 7 8 9 10 "off, by ranges: status folder 503 from then on, after 3"; do
    echo "FLYT_TEST_SWEEP=$choice"
    FLYT_TEST_SWEEP=$choice build/dev/flyt_vsphere "a migration survives*"
done
