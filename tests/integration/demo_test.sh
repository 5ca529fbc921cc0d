#!/usr/bin/env bash
# What `./dev demo` runs: it succeeds, shows a report, and leaves nothing behind.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root: a private libvirt in namespaces of its own"; exit 77; }
out=$(mktemp -d "${TMPDIR:-/var/tmp}/flyt-demo-test.XXXXXX")
trap 'rm -rf "$out"' EXIT
if ! NO_COLOR=1 "$FLYT_SOURCE/examples/demo/run.sh" --folder "$out/demo" >"$out/log" 2>&1; then
    cat "$out/log"
    exit 1
fi
cat "$out/log"
grep -q 'PASS' "$out/log"
if grep -qw 'FAIL' "$out/log"; then echo "a verdict is FAIL"; exit 1; fi
[ ! -e "$out/demo" ] || { echo "its folder is still there"; exit 1; }
! pgrep -af "$out/demo" || { echo "left running"; exit 1; }
