#!/usr/bin/env bash
# A true guest moves from an OVA to a Proxmox VE: flyt is killed in the middle of its copies and goes on, they are
# identical (judged by cmp), the machine boots from what the driver asked for, and the report is all PASS.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01 --drivers all
start_proxmox
cp -r "$FLYT_SOURCE/examples/memory/target" shelf
cat >flyt.toml <<END
$(export_to_proxmox web01)
[endpoints.shelf]
driver = "memory"
world  = "shelf"
$TEST_GROUND
[map.shelf.networks]
"vmbr0" = "lan"
[machines.web01]
convert = "none"
boot_timeout = "300 s"
marker = "GUEST-READY"
probes = [ { agent = true } ]
END
expect 0 flyt check
says "disks are reached by ssh, as root"
expect 0 flyt inventory pve
expect 0 flyt plan -o plan.json

flyt apply plan.json --until copied >killed.out 2>&1 &
copy_begins killed.out
kill_flyt $!
expect 0 flyt apply plan.json --until copied

vmid=$(vmid_of web01)
[ "$vmid" = 9000 ] || fail "web01 is machine $vmid"
config "$vmid" | tee config.json
[ "$(jq -r .sata0 config.json | cut -d, -f1)" = "data:9000/vm-9000-disk-0.qcow2" ] || fail "the first disk is elsewhere"
grep -q 'link_down=1' config.json || fail "a copy that is not whole is plugged in"
as_raw "$(path_of "$(jq -r .sata0 config.json | cut -d, -f1)")" system.raw
as_raw "$(path_of "$(jq -r .sata1 config.json | cut -d, -f1)")" data.raw
cmp system.raw web01-system.raw || fail "the system disk's copy differs"
cmp -n "$(stat -c %s web01-data.raw)" data.raw web01-data.raw || fail "the data disk's copy differs"
echo "both copies are identical"

expect 0 flyt apply plan.json
says PASS
! config "$vmid" | grep -q link_down || fail "the machine was started unplugged"
expect 0 flyt verify plan.json
expect 0 flyt status plan.json

# And away again: copied while it runs, from a snapshot; shut down, and synced with what it wrote meanwhile.
# Nothing starts on a shelf, and nothing is said there.
sed -i '/^marker/d; /^probes/d; s/^boot_timeout.*/boot_timeout = "10 s"/' flyt.toml
expect 0 flyt plan --source pve --target shelf --select web01 -o away.json
expect 0 flyt apply away.json --until copied
[ "$(api GET /nodes/pve1/qemu/9000/snapshot | jq '[.data[] | select(.name == "flyt-1")] | length')" = 1 ] || fail "no snapshot was taken"
flyt apply away.json >away.out 2>&1 || [ $? = 7 ] || { cat away.out; fail "it did not come back"; }
cat away.out
[ "$(api GET /nodes/pve1/qemu/9000/status/current | jq -r .data.status)" = stopped ] || fail "it runs on"
[ "$(api GET /nodes/pve1/qemu/9000/snapshot | jq '.data | length')" = 1 ] || fail "a snapshot is left"
id=$(jq -r '.machines[] | select(.name == "web01") | .id' shelf/world.json)
for key in sata0 sata1; do
    as_raw "$(path_of "$(jq -r .$key config.json | cut -d, -f1)")" now.raw
    disk=$(ls shelf/disks/*"$id"/*.raw | sed -n "$((${key#sata} + 1))p")
    cmp "$disk" now.raw || fail "$key differs from what came back"
done

expect 1 flyt undo plan.json --target --yes # a machine that has run is not destroyed unasked
expect 0 flyt undo plan.json --target --started --yes
[ "$(api GET /nodes/pve1/qemu | jq '.data | length')" = 0 ] || fail "the machine is still there"
[ "$(api GET '/nodes/pve1/storage/data/content?content=images' | jq '.data | length')" = 0 ] || fail "volumes are left"
stop_proxmox
