#!/usr/bin/env bash
# A true guest moves from an OVA to a Proxmox VE: flyt is killed in the middle of its copies and goes on, they are
# identical (judged by cmp), the machine boots from what the driver asked for, and the report is all PASS.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01 --drivers all
start_proxmox
cat >flyt.toml <<END
$(site_head)
[move]
from = "export"
to   = "pve"
[endpoints.export]
driver = "ova"
path   = "$FOLDER/web01.ova"
$(proxmox_endpoint pve 'vmids = "9000-9999"')
[map.networks]
"VM Network" = "vmbr0"
[map.storages]
"*" = "data"
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
for ((i = 0; i < 600; i++)); do
    pgrep -f "qemu-nbd .*$FOLDER/pve" >/dev/null && break
    sleep 0.1
done
pgrep -f "qemu-nbd .*$FOLDER/pve" >/dev/null || { cat killed.out; fail "no copy began"; }
pkill -KILL -f "^$FLYT_PROGRAM apply plan.json" || :
wait $! || :
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
expect 1 flyt undo plan.json --target --yes # a machine that has run is not destroyed unasked
expect 0 flyt undo plan.json --target --started --yes
[ "$(api GET /nodes/pve1/qemu | jq '.data | length')" = 0 ] || fail "the machine is still there"
[ "$(api GET '/nodes/pve1/storage/data/content?content=images' | jq '.data | length')" = 0 ] || fail "volumes are left"
stop_proxmox
