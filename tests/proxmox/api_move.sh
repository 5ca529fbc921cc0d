#!/usr/bin/env bash
# A true guest moves from an OVA to a Proxmox VE where nobody may log in: by uploads and imports. flyt is killed in the
# middle of an upload and goes on; what the machine finds on its disks is judged by cmp, that it lives by its guest
# agent and by what it says on its console, which is heard by the API; nothing is left on the way.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01 --drivers all
start_proxmox --version 9.1
cat >flyt.toml <<END
$(export_to_proxmox web01 | grep -v '^ssh')
[machines.web01]
convert = "none"
boot_timeout = "300 s"
marker = "GUEST-READY"
probes = [ { agent = true } ]
END
sed -i 's/^landing = .*/landing = "api"/' flyt.toml
state=$FOLDER/state

expect 0 flyt check
says "storage local takes them"
says "consoles are heard by the API"
expect 0 flyt plan -o plan.json
expect 0 flyt apply plan.json --until copied

# A slow line: the upload is under way for long enough to be killed in its middle.
cp flyt.toml quick.toml
printf '[endpoints.pve.limits]\nrate = "4 MiB/s"\n' >>flyt.toml
flyt apply plan.json >killed.out 2>&1 &
for ((i = 0; i < 600; i++)); do
    [ "$(find "$FOLDER/pve" -name 'pveupload-*' -size +2M | wc -l)" = 0 ] || break
    sleep 0.05
done
[ $i -lt 600 ] || { cat killed.out; fail "no upload began"; }
kill_flyt $!
mv quick.toml flyt.toml
[ "$(api GET '/nodes/pve1/storage/local/content?content=import' | jq '.data | length')" = 0 ] || fail "half an upload counts"

# Not started yet: its disks are what the machine will find.
curl -sf -X POST "$(pve_told control)/faults" -d '{"method": "POST", "path": "/status/start$", "status": 403, "reason": "Permission check failed"}'
expect 6 flyt apply plan.json
config 9000 | tee config.json
for key in sata0 sata1; do
    from=web01-$([ $key = sata0 ] && echo system || echo data).raw
    as_raw "$(path_of "$(jq -r .$key config.json | cut -d, -f1)")" now.raw
    cmp -n "$(stat -c %s "$from")" now.raw "$from" || fail "$key differs from its source"
done
echo "both disks are identical"

expect 7 flyt apply plan.json
says "SHA-256"
says "was not read back"
says 'the console says "GUEST-READY"'
expect 7 flyt status plan.json
vmid=$(vmid_of web01)
config "$vmid" | tee config.json
! grep -q unused config.json || fail "a volume that was replaced is left"
[ "$(api GET '/nodes/pve1/storage/local/content?content=import' | jq '.data | length')" = 0 ] || fail "an upload is left"
[ "$(api GET '/nodes/pve1/storage/data/content?content=images' | jq '.data | length')" = 2 ] || fail "volumes are left"
[ ! -e "$state/staged/$(jq -r '.machines[0].migration_id' plan.json)" ] || fail "what was staged is left"
[ "$(jq -r .sata0 config.json | cut -d, -f2-)" != "" ] || fail "the options of the slot are lost"

expect 0 flyt undo plan.json --target --started --yes
[ "$(api GET /nodes/pve1/qemu | jq '.data | length')" = 0 ] || fail "the machine is still there"
[ "$(api GET '/nodes/pve1/storage/data/content?content=images' | jq '.data | length')" = 0 ] || fail "volumes are left"
stop_proxmox
