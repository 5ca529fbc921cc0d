#!/usr/bin/env bash
# What belongs to no machine moves from one Proxmox VE to another: an ISO image, a backup, a template of containers, a
# disk whose machine is gone, and a template of machines. flyt is killed in the middle of a copy and goes on; cmp judges.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
mkfifo held old.line
python3 "$FLYT_SOURCE/tests/fakes/proxmox/pve.py" --exit-with-stdin --state "$FOLDER/old" --fast-401 --tcg <held >old.line &
old_pid=$!
exec {old_input}>held
read -r pve_ready <old.line
(umask 077 && pve_told token | cut -d= -f2 >old.secret)
proxmox_endpoint old | sed 's/pve.secret/old.secret/' >old.toml
noise() { head -c "$1" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' "$2")" -iv "$(printf '%032x' 0)"; }

api POST /nodes/pve1/storage/local/content -d vmid=777 -d filename=vm-777-data.qcow2 -d size=64M -d format=qcow2 >/dev/null
disk=$(path_of local:777/vm-777-data.qcow2)
noise 24000000 1 >data.raw && truncate -s 64M data.raw
qemu-img convert -f raw -O qcow2 data.raw "$disk"
root=$(dirname "$(dirname "$(dirname "$disk")")")
backup=vzdump-qemu-100-2026_11_28-01_02_03.vma.zst lxc=debian-12-standard_12.7-1_amd64.tar.zst
mkdir -p "$root/template/iso" "$root/template/cache" "$root/dump"
noise 40000777 2 >"$root/template/iso/tools.iso"
noise 3000001 3 >"$root/dump/$backup"
noise 2000003 4 >"$root/template/cache/$lxc"
api POST /nodes/pve1/qemu -d vmid=105 -d name=golden -d memory=64 -d virtio0=local:0.05,format=qcow2 >/dev/null
sleep 1
noise 9000000 5 >golden.raw
qemu-img convert -f raw -O qcow2 golden.raw "$(path_of local:105/vm-105-disk-0.qcow2)"
api POST /nodes/pve1/qemu/105/template >/dev/null
find "$root" -type f -exec sha256sum {} + | sort >before.sums

start_proxmox
cat >flyt.toml <<END
$(site_head)
[move]
from = "old"
to = "new"
$(cat old.toml)
$(proxmox_endpoint new 'vmids = "9000-9999"')
[map.new.storages]
"*" = "local"
END

expect 0 flyt inventory old
says "tools.iso"
says "vm-777-data.qcow2"
says "$backup"
expect 0 flyt plan --select 'volume=*,golden' -o plan.json
says "4 volumes"
says "M-TEMPLATE"
expect 0 flyt show plan.json
says "iso without a machine"
says "it is never started"

printf '[endpoints.new.limits]\nrate = "8 MiB/s"\n' >>flyt.toml
flyt apply plan.json >killed.out 2>&1 &
copy_begins killed.out
sleep 2
kill_flyt $!
sed -i '/limits/,$d' flyt.toml

expect 0 flyt apply plan.json
says "landed"
new=$(dirname "$(dirname "$(path_of local:iso/tools.iso)")")
new=$(dirname "$new")
cmp "$root/template/iso/tools.iso" "$new/template/iso/tools.iso"
cmp "$root/dump/$backup" "$new/dump/$backup"
cmp "$root/template/cache/$lxc" "$new/template/cache/$lxc"
volume=$(api GET '/nodes/pve1/storage/local/content?content=images' | jq -r '.data[].volid | select(test("9[0-9]+/vm-9[0-9]+-vm-777-data-flyt-"))')
[ -n "$volume" ] || fail "the disk is not to be found"
qemu-img convert -O raw "$(path_of "$volume")" now.raw
cmp now.raw data.raw
vmid=$(vmid_of golden)
[ "$(config "$vmid" | jq -r .template)" = 1 ] || fail "golden is no template"
qemu-img convert -O raw "$(path_of "$(config "$vmid" | jq -r .virtio0 | cut -d, -f1)")" now.raw
cmp -n 9000000 now.raw golden.raw
[ "$(find "$new" -name '*.part' | wc -l)" = 0 ] || fail "a marked file is left"
find "$root" -type f -exec sha256sum {} + | sort | cmp - before.sums
echo "all five are identical, and the source is as it was"

expect 0 flyt apply plan.json
expect 0 flyt verify plan.json
expect 0 flyt plan --select 'volume=*' -o again.json
says "T-OURS"
expect 1 flyt undo plan.json --target --yes
says "--started"
# A machine that uses one of them keeps it, and so does a container, as it is or in a snapshot.
uses() { curl -sf -X POST "$(pve_told control)/containers" -d "{\"containers\": [{\"vmid\": 301, \"node\": \"pve1\", $1}]}" >/dev/null; }
uses "\"config\": {\"hostname\": \"box\", \"mp0\": \"$volume,mp=/srv,size=64M\"}"
api POST /nodes/pve1/qemu -d vmid=300 -d name=user -d memory=64 -d ide2=local:iso/tools.iso,media=cdrom >/dev/null
sleep 1
expect 6 flyt undo plan.json --target --started --yes
says "ide2 of machine 300"
api DELETE /nodes/pve1/qemu/300 >/dev/null
sleep 1
expect 6 flyt undo plan.json --target --started --yes
says "mp0 of container 301 on pve1"
uses "\"config\": {\"hostname\": \"box\"}, \"snapshots\": {\"before\": {\"rootfs\": \"$volume\"}}"
expect 6 flyt undo plan.json --target --started --yes
says "rootfs of container 301 on pve1 in"
curl -sf -X POST "$(pve_told control)/containers" -d '{"containers": []}' >/dev/null
api POST /nodes/pve1/qemu -d vmid=300 -d name=user -d memory=64 -d "scsi0=$volume" >/dev/null
sleep 1
api POST /nodes/pve1/qemu/300/snapshot -d snapname=before >/dev/null
sleep 1
api PUT /nodes/pve1/qemu/300/config -d delete=scsi0 >/dev/null
[ "$(config 300 | jq -r .scsi0)" = null ] || fail "300 has the disk still"
expect 6 flyt undo plan.json --target --started --yes
says "scsi0 of machine 300 on pve1 in"
api DELETE /nodes/pve1/qemu/300 >/dev/null
sleep 1
expect 0 flyt undo plan.json --target --started --yes
for kind in iso vztmpl backup images; do
    [ "$(api GET "/nodes/pve1/storage/local/content?content=$kind" | jq '.data | length')" = 0 ] || fail "$kind is left"
done
stop_proxmox
exec {old_input}>&-
wait "$old_pid" || fail "the old Proxmox VE ended with $?"
