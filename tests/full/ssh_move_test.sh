#!/usr/bin/env bash
# A true guest moves from an OVA to a libvirt on another host, all by SSH (qemu+ssh://): the copies are identical, the
# connection is cut in the middle of a copy and the same command goes on, and the machine boots there.
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lab.sh"
PATH=$PATH:/usr/sbin command -v sshd >/dev/null || { echo "needs sshd"; exit 77; }
make_ova web01
start_libvirt

# sshd where the guest's network is, so that the probes and flyt stand beside it.
coproc FAR { in_net "$FLYT_SOURCE/tests/fakes/sshd.sh" "$FOLDER/ssh"; }
while read -r key value <&"${FAR[0]}"; do
    case $key in
        config:) config=$value ;;
        ready) break ;;
    esac
done
[ -n "${config:-}" ] || fail "no sshd"

write_site web01 none
far="qemu+ssh://root@far/system?socket=${URI#*socket=}"
sed -i "s|^uri .*|uri    = \"$far\"\nssh_config = \"$config\"|" flyt.toml

expect 0 flyt check
says "ssh:root@far"
expect 0 flyt plan -o plan.json

# Cut as soon as the first disk is being written to.
in_net "$FLYT_PROGRAM" apply plan.json --until copied >cut.out 2>&1 &
for ((i = 0; i < 1500; i++)); do
    pgrep -f "qemu-nbd .*$FOLDER/libvirt/images" >/dev/null && break
    sleep 0.02
done
pgrep -f "qemu-nbd .*$FOLDER/libvirt/images" >/dev/null || { cat cut.out; fail "nothing was served"; }
pkill -KILL -f "^ssh .*$config" || fail "no ssh to kill"
wait $! || :
cat cut.out

expect 0 flyt apply plan.json --until copied
mapfile -t disks < <(volumes web01)
[ ${#disks[@]} = 2 ] || fail "${#disks[@]} disks on the target"
as_raw "${disks[0]}" system.raw
as_raw "${disks[1]}" data.raw
cmp system.raw web01-system.raw || fail "the system disk's copy differs"
cmp data.raw web01-data.raw || fail "the data disk's copy differs"
echo "both copies are identical"

expect 0 flyt apply plan.json
says PASS
! pgrep -af "^(ssh|qemu-nbd) .*$FOLDER" || fail "left running"
[ -z "$(find /tmp -maxdepth 1 -name 'flyt-carried-*' -newer flyt.toml)" ] || fail "a socket's folder is left"
