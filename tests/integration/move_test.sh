#!/usr/bin/env bash
# A true guest moves from an OVA to libvirt: the copies are identical before conversion (judged by cmp, not by flyt),
# flyt is killed in the middle of the conversion and goes on, the machine boots, and the report is all PASS.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01
start_libvirt
write_site web01 auto

expect 0 flyt check
expect 0 flyt plan -o plan.json
expect 0 flyt apply plan.json --until copied
mapfile -t disks < <(volumes web01)
[ ${#disks[@]} = 2 ] || fail "${#disks[@]} disks on the target"
as_raw "${disks[0]}" system.raw
as_raw "${disks[1]}" data.raw
cmp system.raw web01-system.raw || fail "the system disk's copy differs"
cmp data.raw web01-data.raw || fail "the data disk's copy differs"
echo "both copies are identical"

# Killed while virt-v2v works; nothing of it may live on.
in_net setsid "$FLYT_PROGRAM" apply plan.json >killed.out 2>&1 &
for ((i = 0; i < 600; i++)); do
    pgrep -f "virt-v2v-in-place .*$FOLDER" >/dev/null && break
    sleep 0.2
done
pgrep -f "virt-v2v-in-place .*$FOLDER" >/dev/null || { cat killed.out; fail "no conversion began"; }
kill_flyt $!
for ((i = 0; i < 100; i++)); do pgrep -f "$FOLDER.*(overlays|qcow2)" >/dev/null || break; sleep 0.2; done
! pgrep -af "qemu-nbd .*$FOLDER|virt-v2v-in-place .*$FOLDER" || fail "left running after kill -9"
as_raw "${disks[0]}" system.raw
cmp system.raw web01-system.raw || fail "the conversion touched the copy before it was committed"

expect 0 flyt apply plan.json
says PASS
expect 0 flyt verify plan.json
expect 0 flyt status plan.json
in_net curl -s --max-time 120 http://10.0.2.15/cgi-bin/manifest >changed.txt
cat changed.txt
grep -q 'initrd' changed.txt || fail "the conversion did not rebuild the initramfs"
grep -q 'fstab' changed.txt || fail "the conversion did not touch fstab"
! grep -q '^data/' changed.txt || fail "files on the data disk differ"

expect 1 flyt undo plan.json --target --yes # a machine that has run is not destroyed unasked
expect 0 flyt undo plan.json --target --started --yes
[ -z "$(virsh -q -c "$URI" list --all --name)" ] || fail "the machine is still defined"
[ -z "$(virsh -q -c "$URI" vol-list machines)" ] || fail "volumes are left"
