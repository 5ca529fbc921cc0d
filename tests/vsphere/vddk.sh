#!/usr/bin/env bash
# Machines that only VDDK can read anywhere leave a vSphere; flyt is killed meanwhile, and its nbdkit ends with it.
# The plugin is tests/vsphere/nbdkit_vddk.cpp.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
cat >machines.json <<'END'
{"machines":[
 {"name":"ledger","powerState":"poweredOn","tools":"toolsOk","shutdownSeconds":1,"changeTracking":true,
  "datastore":"vsan1","disks":[{"sizeMiB":24,"fillMiB":12,"seed":9}]},
 {"name":"still","datastore":"vsan1","disks":[{"sizeMiB":2}]}],
 "datastores":[{"name":"vsan1","type":"vsan"}]}
END
start_vsphere
mkdir -p vddk/lib64
touch vddk/lib64/libvixDiskLib.so.8
# An nbdkit that finds the plugin vddk by its name.
cat >nbdkit <<END
#!/bin/bash
echo "\$@" >>argv
export FLYT_TEST_CONTROL=$control FLYT_TEST_VDDK_LOG=$FOLDER/reads FLYT_TEST_VDDK_HOLDS=$FOLDER/hold
for word in "\$@"; do
    shift
    [ "\$word" != vddk ] || word=$(dirname "$FLYT_PROGRAM")/standin/nbdkit-vddk-plugin.so
    set -- "\$@" "\$word"
done
exec nbdkit "\$@"
END
chmod +x nbdkit
cat >flyt.toml <<END
$(vsphere_site)
$(vsphere_endpoint vc 'vddk_libdir = "vddk"' 'nbdkit = "./nbdkit"')
[map.networks]
"*" = "servers"
[defaults]
boot_timeout = "30 s"
[machines.ledger]
convert = "none"
END
# The processes that serve a disk, or have not ended yet.
serving() { pgrep -f -- "libdir=$FOLDER/vddk" || :; }

mv vddk/lib64 vddk/gone
expect 1 flyt check vc
says "nbdkit finds no VDDK there"
mv vddk/gone vddk/lib64
# The lab's host has a name that leads nowhere, which VDDK would need.
expect 1 flyt check vc
says "DC0_H0 does not answer"
says "VDDK (vsan keeps no flat files) for 2 disks"
says "VDDK 8 ($FOLDER/vddk/lib64/libvixDiskLib.so.8)"
expect 1 flyt check vc --deep
says "still: Hard disk 1 at any place in "
says ", by VDDK (vsan keeps no flat files)"

# Killed in the middle of the copy, while VDDK does not answer.
expect 0 flyt plan --source vc --target shelf --select ledger -o ledger.json
says "1 disk: VDDK (vsan keeps no flat files)"
expect 0 flyt show ledger.json
says "read      VDDK (vsan keeps no flat files)"
[ "$(jq -r '.machines[0].source.disks[0].read_by' ledger.json)" = "VDDK (vsan keeps no flat files)" ] || fail "the plan does not say how"
touch hold
flyt apply ledger.json --until copied >killed.out 2>&1 &
killed=$!
until [ -e reads ] && [ "$(wc -l <reads)" -gt 4 ]; do
    kill -0 $killed || fail "flyt ended before it was killed: $(cat killed.out)"
    sleep 0.05
done
[ -n "$(serving)" ] || fail "nobody serves the disk"
kill -9 $killed
wait $killed || :
rm hold
for _ in $(seq 600); do
    [ -n "$(serving)" ] || break
    sleep 0.1
done
[ -z "$(serving)" ] || fail "nbdkit lives on after flyt: $(serving)"

# Copied on, while it writes; then shut down and synced by what vSphere tracked.
expect 0 flyt apply ledger.json --until copied
ask "$control/random-writes" -d '{"vm":"ledger","disk":0,"count":10,"size":4096,"seed":3}' >/dev/null
rm reads
expect 0 flyt apply ledger.json
read_again=$(awk '{sum += $2} END {print sum + 0}' reads)
[ "$read_again" -lt $((12 << 20)) ] || fail "the last sync read $read_again bytes of 24 MiB"
disk=$(echo shelf/disks/*/*.raw)
same_as_live ledger 0 "$disk"
counters=$(ask "$control/counters")
[ "$(jq '(."folder.status.206" // 0) + (."soap.ExportSnapshot" // 0)' <<<"$counters")" = 0 ] || fail "read in another way, too"
grep -rqF "$(cat password)" argv state ledger.json && fail "the password was written somewhere"
left=$(left_on_source)
[ "$(jq length <<<"$left")" = 1 ] && grep -q ledger <<<"$left" || fail "left on the source: $left"
stop_vsphere
