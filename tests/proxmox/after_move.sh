#!/usr/bin/env bash
# A true guest moves from an OVA to a Proxmox VE, and into what its site names there: high availability, a backup job, a
# security group, start at boot. What is missing is told by the plan, and by an apply that leaves the guest running.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01 --drivers all
cat >world.json <<END
{"ha_groups": [{"group": "north", "nodes": "pve1", "type": "group"}],
 "backup_jobs": [{"id": "nightly", "vmid": "4711", "schedule": "21:00", "storage": "local"}],
 "security_groups": {"web": ""}}
END
start_proxmox --world "$PWD/world.json"
cat >flyt.toml <<END
$(export_to_proxmox web01)
[defaults.after]
start_at_boot = true
start_order = 20
backup_jobs = ["nightly"]
[machines.web01]
convert = "none"
boot_timeout = "300 s"
probes = [ { agent = true } ]
[machines.web01.after]
start_order = 10
ha = "started"
ha_group = "north"
firewall = ["web"]
END
expect 0 flyt check
sed -i 's/nightly/weekly/' flyt.toml
expect 1 flyt plan -o plan.json
says T-AFTER-MISSING
sed -i 's/weekly/nightly/' flyt.toml
expect 0 flyt plan -o plan.json
says T-AFTER-FIREWALL
expect 0 flyt show plan.json
says "starts with its host, start order 10"
says "high availability: started, HA group north"
says "backup job nightly"
says "security group web"

job() { api GET /cluster/backup/nightly | jq -r .data.vmid; }
resources() { api GET /cluster/ha/resources | jq -c '[.data[] | [.sid, .state, .group]]'; }

# What the plan could not know: the backup job may not be changed.
curl -sf -X POST "$(pve_told control)/faults" -d '{"method": "PUT", "path": "^/cluster/backup/nightly$", "status": 403, "reason": "Permission check failed"}'
expect 6 flyt apply plan.json
says "has landed and was started on pve"
[ "$(api GET /nodes/pve1/qemu/9000/status/current | jq -r .data.status)" = running ] || fail "the machine does not run"
[ "$(job)" = 4711 ] || fail "it is in the backup job"
expect 0 flyt apply plan.json
says "backup job nightly"
[ "$(job)" = 4711,9000 ] || fail "it is not in the backup job: $(job)"
[ "$(resources)" = '[["vm:9000","started","north"]]' ] || fail "it is not highly available: $(resources)"
config 9000 | tee config.json
[ "$(jq -r '[.onboot, .startup] | @csv' config.json)" = '1,"order=10"' ] || fail "it does not start with its node"
jq -r .net0 config.json | grep -q firewall=1 || fail "its network card has no firewall"
[ "$(api GET /nodes/pve1/qemu/9000/firewall/rules | jq -r '.data[].action')" = web ] || fail "its rules are others"
expect 0 flyt verify plan.json
expect 0 flyt status plan.json
says "after landing: high availability: started"

expect 0 flyt undo plan.json --target --started --yes
[ "$(job)" = 4711 ] || fail "the backup job holds what is gone: $(job)"
[ "$(resources)" = '[]' ] || fail "a resource is left: $(resources)"
[ "$(api GET /nodes/pve1/qemu | jq '.data | length')" = 0 ] || fail "the machine is still there"
stop_proxmox
