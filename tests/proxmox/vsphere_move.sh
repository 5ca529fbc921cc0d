#!/usr/bin/env bash
# A machine that runs and writes leaves a vSphere for a Proxmox VE: all, then what vSphere tracked, then the rest once it is
# shut down. The node is restarted in the middle of a copy, the storage runs full; the same command goes on each time.
. "$(dirname "${BASH_SOURCE[0]}")/../vsphere/lab.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
cat >machines.json <<'END'
{"machines":[{"name":"B\u00f8rne_db","powerState":"poweredOn","tools":"toolsOk","shutdownSeconds":1,"changeTracking":true,
  "disks":[{"sizeMiB":64,"fillMiB":48,"seed":7},{"sizeMiB":16,"fillMiB":4,"seed":8}]}]}
END
start_vsphere
start_proxmox
flyt() { "$FLYT_PROGRAM" "$@"; }
cat >flyt.toml <<END
$(vsphere_site)
$(vsphere_endpoint vc)
$(proxmox_endpoint pve)
[map.storages]
"*" = "data"
[defaults]
convert = "none"
boot_timeout = "10 s"
END
expect 0 flyt plan --source vc --target pve -o plan.json
says "Boerne-db"
says T-NAME-CHANGED

# The storage is full when the machine is made, and then has room again.
curl -sf -X POST "$(pve_told control)/storage" -d '{"storage":"data","full":true}' >/dev/null
! flyt apply plan.json --until copied >full.out 2>&1 || fail "a full storage was no hindrance"
cat full.out
[ "$(api GET /nodes/pve1/qemu | jq '.data | length')" = 0 ] || fail "half a machine is left"
curl -sf -X POST "$(pve_told control)/storage" -d '{"storage":"data","full":false}' >/dev/null

# The node is restarted while it is written to.
flyt apply plan.json --until copied >reboot.out 2>&1 &
copy_begins reboot.out
curl -sf -X POST "$(pve_told control)/node" -d '{"node":"pve1","reboot":true}' >/dev/null
wait $! || :
cat reboot.out
expect 0 flyt apply plan.json --until copied

ask "$control/random-writes" -d '{"vm":"B\u00f8rne_db","disk":0,"count":40,"size":4096,"seed":3}' >/dev/null
flyt apply plan.json >last.out 2>&1 || [ $? = 7 ] || { cat last.out; fail "it did not land"; }
cat last.out
vmid=$(vmid_of Boerne-db)
config "$vmid" | tee config.json
for number in 0 1; do
    key=$(jq -r 'keys[] | select(test("^(sata|scsi|virtio|ide)[0-9]+$"))' config.json | sed -n "$((number + 1))p")
    as_raw "$(path_of "$(jq -r ".$key" config.json | cut -d, -f1)")" "$number.raw"
    same_as_live "B%C3%B8rne_db" "$number" "$number.raw"
done
left=$(left_on_source)
[ "$(jq length <<<"$left")" = 1 ] || fail "left on the source: $left"
stop_proxmox # first: started later, it holds the other's input open
stop_vsphere
