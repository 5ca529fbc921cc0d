#!/usr/bin/env bash
# A guest that has drivers for virtio and does not start by them until it has met them, as Windows does not: it is started on
# SATA, off the network, takes them there, and starts on virtio.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
system=web01-system.raw
"$GUESTS/make-guest.sh" "$system" --data web01-data.raw --hostname web01

# Whoever finds the new controller puts its driver among those that it starts by.
start=$(($(sfdisk --json "$system" | jq '.partitiontable.partitions[0].start') * 512))
in_guest() { debugfs -w -f - "$system?offset=$start" >debugfs.out 2>&1 || { cat debugfs.out; fail "debugfs"; }; }
echo "dump /etc/init.d/rcS rcS" | in_guest
sed -i '/^exit 0/d' rcS
cat >>rcS <<'END'
if grep -qE '^0x10(04|48)$' /sys/bus/pci/devices/*/device && ! grep -q virtio_scsi /etc/initramfs-tools/modules; then
    printf 'virtio_pci\nvirtio_scsi\n' >>/etc/initramfs-tools/modules
    update-initramfs -u
    sync
    say "DRIVERS-TAKEN"
fi
exit 0
END
in_guest <<'END'
rm /etc/init.d/rcS
write rcS /etc/init.d/rcS
sif /etc/init.d/rcS mode 0100755
END
"$GUESTS/make-ova.sh" "$system" web01-data.raw web01.ova --name web01 --firmware bios

start_proxmox
cat >flyt.toml <<END
$(export_to_proxmox web01)
[machines.web01]
convert = "in-guest"
settle = "40 s"
boot_timeout = "300 s"
marker = "GUEST-READY"
probes = [ { agent = true } ]
END
expect 0 flyt plan -o plan.json
says M-IN-GUEST
flyt apply plan.json >apply.out 2>&1 &
applying=$!

# While it is at its first start: on SATA, unplugged, and the controller is there.
for ((i = 0; i < 1200; i++)); do
    [ "$(api GET /nodes/pve1/qemu/9000/status/current 2>/dev/null | jq -r .data.status)" != running ] || break
    kill -0 "$applying" 2>/dev/null || break
    sleep 0.2
done
config 9000 >first.json || { cat apply.out; fail "the machine was not made"; }
cat first.json
[ "$(jq -r .boot first.json)" = "order=sata0" ] || fail "it does not start from SATA"
[ "$(jq -r .scsi2 first.json)" = "none,media=cdrom" ] || fail "no controller is there to get to know"
jq -r .net0 first.json | grep -q link_down=1 || fail "it is on the network"
# flyt dies here, and the next one goes on with the machine as it is.
kill_flyt "$applying"
cat apply.out
expect 0 flyt apply plan.json
says PASS

config 9000 >then.json
cat then.json
[ "$(jq -r .boot then.json)" = "order=scsi0" ] || fail "it does not start from virtio"
[ "$(jq '[keys[] | select(test("^(sata|scsi)[0-9]"))] | join(",")' then.json)" = '"scsi0,scsi1"' ] || fail "something is left"
! jq -r .net0 then.json | grep -q link_down || fail "it is not on the network"
expect 0 flyt verify plan.json
expect 0 flyt undo plan.json --target --started --yes
stop_proxmox
