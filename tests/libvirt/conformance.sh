#!/bin/bash
# The conformance suite on a private libvirt, never the user's: on this machine, then a part of it by SSH.
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
trap '"$session" stop "$state" >/dev/null 2>&1 || :; [ -z "${far_PID:-}" ] || kill "$far_PID"; rm -rf "$state"' EXIT
LAB_SKIP_APT=1 "$session" start "$state" --mode system
FLYT_TEST_LIBVIRT_URI=$("$session" uri "$state") FLYT_TEST_REQUIRE=libvirt \
    build/dev/flyt_conformance "libvirt conforms"

if ! PATH=$PATH:/usr/sbin command -v sshd >/dev/null; then
    echo "needs sshd for the second half"
    exit 77
fi
coproc far { exec tests/fakes/sshd.sh "$state/ssh"; }
while read -r key value <&"${far[0]}"; do
    case $key in
        config:) config=$value ;;
        ready) break ;;
    esac
done
socket=$("$session" uri "$state")
export FLYT_TEST_REQUIRE=libvirt FLYT_TEST_LIBVIRT_SSH=$config FLYT_TEST_LIBVIRT_URI
FLYT_TEST_LIBVIRT_URI=$("$session" uri "$state")
export FLYT_TEST_LIBVIRT_FAR="qemu+ssh://root@far/system?socket=${socket#*socket=}"
# What another way to the host can change; all of it with FLYT_TEST_FAR=all.
if [ "${FLYT_TEST_FAR:-}" = all ]; then
    build/dev/flyt_conformance "libvirt conforms"
    exit
fi
for section in "one epoch has one writer" "removing a machine ends what an older epoch left" \
    "each change can be repeated after its answer got lost" "as many calls at once as it says" \
    "a stop ends a call in its middle"; do
    build/dev/flyt_conformance "libvirt conforms" -d yes -c "$section" | tee "$state/said"
    grep -qF " s: $section" "$state/said" # one of another name would pass with nothing in it
done
