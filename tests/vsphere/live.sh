#!/usr/bin/env bash
# Machines that run leave a vSphere: they are copied while they write, one of them again and again, shut down and synced. The
# targets equal them to the byte.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
cat >machines.json <<END
{"machines":[
 {"name":"busy","powerState":"poweredOn","tools":"toolsOk","shutdownSeconds":1,"changeTracking":true,
  "disks":[{"sizeMiB":64,"fillMiB":24,"seed":7},{"sizeMiB":16,"fillMiB":4,"seed":8}]},
 {"name":"ledger","powerState":"poweredOn","tools":"toolsOk","shutdownSeconds":1,
  "disks":[{"sizeMiB":48,"fillMiB":24,"seed":9}]}]}
END
start_vsphere
cat >flyt.toml <<END
$(vsphere_site)
$(vsphere_endpoint vc)
[machines.busy]
convert = "none"
[machines.ledger]
convert = "none"
track_changes = true
END

folder_bytes() { ask "$control/counters" | jq '."folder.bytes"'; }
# lands MACHINE: it is shut down and synced, and its target equals it.
lands() {
    flyt apply "$1.json" >"$1.out" 2>&1 || [ $? = 7 ] || { cat "$1.out"; fail "$1 did not land"; }
    cat "$1.out"
    local id disk
    id=$(jq -r --arg name "$1" '.machines[] | select(.name == $name) | .id' shelf/world.json)
    for disk in shelf/disks/*"$id"/*.raw; do
        same_as_live "$1" "$(tr -dc 0-9 <<<"$(basename "$disk")")" "$disk"
    done
    [ -e "$disk" ] || fail "$1 has no disk"
}

# Copied while it runs and writes, then shut down and synced by what vSphere tracked.
expect 0 flyt plan --source vc --target shelf --select busy -o busy.json
expect 0 flyt apply busy.json --until copied
ask "$control/random-writes" -d '{"vm":"busy","disk":0,"count":40,"size":4096,"seed":3}' >/dev/null
ask "$control/write" -d '{"vm":"busy","disk":1,"offset":1048570,"text":"over the edge of a block"}' >/dev/null
before=$(folder_bytes)
lands busy
read_again=$(($(folder_bytes) - before))
[ "$read_again" -lt $((50 << 20)) ] || fail "the last sync read $read_again bytes of 80 MiB"

# Kept warm: each apply brings the copy up to date, tracking is switched on for it, and no snapshot stays.
expect 0 flyt plan --source vc --target shelf --select ledger -o ledger.json
expect 0 flyt show ledger.json
says "apply switches change tracking on"
for round in 1 2 3; do
    before=$(folder_bytes)
    expect 0 flyt apply ledger.json --until warm
    read_again=$(($(folder_bytes) - before))
    [ $round = 1 ] || [ "$read_again" -lt $((12 << 20)) ] || fail "round $round read $read_again bytes of 48 MiB"
    left=$(ask "$control/state?vm=ledger" | jq -c '.snapshots | length')
    [ "$left" = 0 ] || fail "a snapshot stays after round $round"
    ask "$control/random-writes" -d '{"vm":"ledger","disk":0,"count":5,"size":4096,"seed":'$round'}' >/dev/null
done
lands ledger

# Nothing of ours is left on the source but that two machines are off.
left=$(left_on_source)
[ "$(jq length <<<"$left")" = 2 ] && grep -q 'busy.*ledger\|ledger.*busy' <<<"$left" || fail "left on the source: $left"
stop_vsphere
