#!/usr/bin/env bash
# True guests leave a vSphere for libvirt, one by HTTPS ranges and one by an export lease; they are converted, boot and
# live there. Machines that run are copied while they write, one of them again and again, shut down and synced: the targets
# equal them to the byte.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
start_libvirt
for name in web01 web02; do
    "$GUESTS/make-guest.sh" "$FOLDER/$name-system.raw" --data "$FOLDER/$name-data.raw" --hostname $name
done
# machine NAME: the guest as vSphere has it.
machine() {
    cat <<END
{"name":"$1","guestId":"debian12_64Guest","guestFullName":"Debian GNU/Linux 12 (64-bit)","memoryMiB":512,
 "nics":[{"mac":"00:50:56:ab:cd:0${1: -1}","network":"VM Network","type":"e1000"}],
 "disks":[{"path":"$1-system.raw","controller":"lsilogic"},{"path":"$1-data.raw","controller":"lsilogic"}]}
END
}
cat >machines.json <<END
{"machines":[$(machine web01),$(machine web02),
 {"name":"busy","powerState":"poweredOn","tools":"toolsOk","shutdownSeconds":1,"changeTracking":true,
  "disks":[{"sizeMiB":64,"fillMiB":24,"seed":7},{"sizeMiB":16,"fillMiB":4,"seed":8}]},
 {"name":"ledger","powerState":"poweredOn","tools":"toolsOk","shutdownSeconds":1,
  "disks":[{"sizeMiB":48,"fillMiB":24,"seed":9}]}]}
END
# In the network of the target, where flyt runs, too.
start_vsphere in_net
cat >flyt.toml <<END
$(vsphere_site)
$(vsphere_endpoint vc)
$(vsphere_endpoint export 'transport = "nfc"')
[endpoints.kvm]
driver = "libvirt"
uri    = "$URI"
accel  = "tcg"
$TEST_GROUND
[map.networks]
"VM Network" = "servers"
[map.kvm.storages]
"*" = "machines"
[defaults]
boot_timeout = "300 s"
[machines.busy]
convert = "none"
[machines.ledger]
convert = "none"
track_changes = true
[machines.web01]
marker = "GUEST-READY"
probes = [ { tcp = "10.0.2.15:22" }, { http = "http://10.0.2.15/hostname" } ]
[machines.web02]
marker = "GUEST-READY"
probes = [ { tcp = "10.0.2.15:22" }, { http = "http://10.0.2.15/hostname" } ]
END
expect 0 flyt check vc kvm shelf
# The lab's host has a name that leads nowhere, and a lease would need it.
expect 1 flyt check export
says "DC0_H0 does not answer"
expect 0 flyt check vc --deep
says "at any place in "
expect 1 flyt check export --deep
says "as one sequence in "
# Before anything is copied: into what is off, as it is read in ranges; not into what runs, nor through leases.
eval "$("$GUESTS/v2v-env.sh")"
expect 0 flyt assess vc --deep
says "/etc/fstab mounts /dev/sda1"
says "it is not off"
expect 0 flyt assess export --deep
says "can only be read as one sequence"
left=$(left_on_source)
[ "$left" = "[]" ] || fail "left on the source by looking at it: $left"

# Cold, by ranges and by a lease; one after the other, since both guests have one address.
for move in "vc web01" "export web02"; do
    read -r from name <<<"$move"
    expect 0 flyt plan --source "$from" --target kvm --select "$name" -o "$name.json"
    expect 0 flyt apply "$name.json"
    says PASS
    expect 0 flyt verify "$name.json"
    virsh -q -c "$URI" destroy "$name"
done
counters=$(ask "$control/counters")
[ "$(jq '."folder.status.206" // 0' <<<"$counters")" -gt 100 ] || fail "the ranges were not used: $counters"
[ "$(jq '."soap.ExportSnapshot" // 0' <<<"$counters")" -gt 0 ] || fail "no lease was taken: $counters"

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
