#!/bin/bash
# The conformance suite on the vSphere lab.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build/vsphere
flock build/vsphere/lock tests/lab/vsphere/build.sh build/vsphere >&2 || {
    code=$?
    echo "the vSphere lab cannot be built here"
    exit $code
}
./dev build dev flyt flyt_conformance
FLYT_TEST_VSPHERE=1 FLYT_TEST_REQUIRE=vsphere build/dev/flyt_conformance "vsphere conforms*"
