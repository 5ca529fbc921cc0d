#!/usr/bin/env bash
# A guest that runs leaves one cluster of Proxmox VE for another one, and that for libvirt: copied from a snapshot while it runs,
# shut down, synced, started; it runs in one place at a time, and nothing is left in those that it was in.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
"$GUESTS/make-guest.sh" "$FOLDER/system.raw" --hostname web01 --drivers all
start_libvirt
start_proxmox
another_proxmox
second_pve=$pve_ready

pve_ready=$first_pve
api POST /nodes/pve1/qemu -d vmid=100 -d name=web01 -d memory=256 -d ostype=l26 -d agent=1 -d serial0=socket -d scsihw=virtio-scsi-single \
    --data-urlencode scsi0=data:0.125,format=qcow2 --data-urlencode boot=order=scsi0 --data-urlencode net0=virtio=52:54:00:12:34:56,bridge=vmbr0 >/dev/null
for ((i = 0; i < 100; i++)); do
    volume=$(config 100 | jq -r '.scsi0 // empty' | cut -d, -f1)
    [ -z "$volume" ] || [ "$(config 100 | jq -r '.lock // empty')" = create ] || break
    sleep 0.1
done
qemu-img convert -f raw -O qcow2 system.raw "$(path_of "$volume")"
api POST /nodes/pve1/qemu/100/status/start >/dev/null
# agent_answers VMID
agent_answers() {
    local i
    for ((i = 0; i < 600; i++)); do
        ! api POST "/nodes/pve1/qemu/$1/agent/ping" >/dev/null 2>&1 || return 0
        sleep 0.5
    done
    fail "the guest does not come up"
}
agent_answers 100

{
    site_head
    proxmox_endpoint old
    pve_ready=$second_pve pve_secret=pve2.secret
    proxmox_endpoint new 'vmids = "9000-9999"'
    cat <<END
[endpoints.kvm]
driver = "libvirt"
uri    = "$URI"
accel  = "tcg"
$TEST_GROUND
[map.new.networks]
"*" = "vmbr0"
[map.new.storages]
"*" = "data"
[map.kvm.networks]
"*" = "servers"
[map.kvm.storages]
"*" = "machines"
[defaults]
boot_timeout = "300 s"
probes = [ { agent = true } ]
END
} >flyt.toml

expect 0 flyt plan --source old --target new -o plan.json
says M-RUNNING
expect 0 flyt apply plan.json
says PASS
pve_ready=$first_pve
[ "$(api GET /nodes/pve1/qemu/100/status/current | jq -r .data.status)" = stopped ] || fail "it runs in both clusters"
[ "$(api GET /nodes/pve1/qemu/100/snapshot | jq '.data | length')" = 1 ] || fail "a snapshot is left in the first cluster"
pve_ready=$second_pve
agent_answers 9000
[ "$(config 9000 | jq -r .net0 | cut -d, -f1 | tr a-f A-F)" = virtio=52:54:00:12:34:56 ] || fail "it has another network card"

expect 0 flyt plan --source new --target kvm --select web01 -o plan2.json
expect 0 flyt apply plan2.json
says PASS
[ "$(api GET /nodes/pve1/qemu/9000/status/current | jq -r .data.status)" = stopped ] || fail "it runs in both places"
[ "$(virsh -q -c "$URI" domstate web01)" = running ] || fail "it does not run"
expect 0 flyt verify plan2.json
stop_second
pve_ready=$first_pve
stop_proxmox
