#!/bin/bash
# The conformance suite on a private libvirt, never the user's.
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() { echo "$*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "needs root: libvirtd gets namespaces of its own"
for program in libvirtd virsh qemu-system-x86_64 qemu-nbd; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "needs $program"
done
./dev build dev flyt_conformance
state=$(mktemp -d /tmp/flyt-virt-XXXXXX)
session=tests/lab/guests/libvirt-session.sh
trap '"$session" stop "$state" >/dev/null 2>&1 || :; rm -rf "$state"' EXIT
LAB_SKIP_APT=1 "$session" start "$state" --mode system
FLYT_TEST_LIBVIRT_URI=$("$session" uri "$state") FLYT_TEST_REQUIRE=libvirt \
    build/dev/flyt_conformance "libvirt conforms"
