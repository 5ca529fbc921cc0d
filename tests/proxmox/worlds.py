#!/usr/bin/env python3
"""Clusters, storages, networks and rights of the fake as world files describe them, under both versions.

With FLYT_SHARED every answer is held to the published schema of the version as well (the fake's exit status).
"""

import os
import subprocess
import sys
import tempfile
import urllib.parse

from fake_server import Fake

WORLD = {
    "nodes": [{"name": "pve1", "memory": 8 << 30, "cpus": 4}, {"name": "pve2", "clock_offset": 90}],
    "storages": [
        {"storage": "local", "type": "dir", "content": "images,iso,import,vztmpl,backup"},
        {"storage": "thin", "type": "lvmthin", "vgname": "pve", "thinpool": "data", "content": "images,rootdir"},
        {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images", "nodes": ["pve2"]},
        {"storage": "thick", "type": "lvm", "vgname": "old", "content": "images", "devices": True, "dirty": True},
        {"storage": "small", "type": "dir", "content": "images", "size": 4 << 20},
        {"storage": "share", "type": "nfs", "server": "10.0.0.9", "export": "/srv", "content": "images"},
    ],
    "bridges": [{"iface": "vmbr0", "vlan_aware": True}, {"iface": "vmbr1", "nodes": ["pve2"]}],
    "zones": [{"zone": "z1", "type": "simple"}],
    "vnets": [{"vnet": "green", "zone": "z1", "tag": 100}],
    "pools": {"moved": {"comment": "what came"}},
    "roles": {"Mover": ["VM.Allocate", "VM.Audit", "VM.Config.Disk", "VM.Config.Memory", "Datastore.AllocateSpace"]},
    "users": [{"userid": "mover@pve", "tokens": [
        {"tokenid": "both", "privsep": 1, "value": "11111111-1111-1111-1111-111111111111"},
        {"tokenid": "all", "privsep": 0, "value": "22222222-2222-2222-2222-222222222222"}]}],
    "acl": [{"path": "/", "roleid": "Mover", "type": "user", "ugid": "mover@pve"},
            {"path": "/storage/local", "roleid": "Mover", "type": "token", "ugid": "mover@pve!both"}],
    "vms": [{"vmid": 500, "node": "pve2", "config": {"name": "old", "memory": "256", "tags": "a;b"}}],
    "ha": [{"sid": "vm:500", "state": "started"}],
    "ha_groups": [{"group": "g", "nodes": "pve1,pve2"}],
    "ha_rules": [{"rule": "r", "type": "node-affinity", "resources": "vm:500", "digest": "0", "order": 0}],
    "subscription": {"status": "active", "productname": "Community"},
}
BOTH = "mover@pve!both=11111111-1111-1111-1111-111111111111"
ALL = "mover@pve!all=22222222-2222-2222-2222-222222222222"
LOOKS = ["/version", "/nodes", "/nodes/pve2/status", "/cluster/status", "/cluster/resources", "/cluster/tasks", "/cluster/options",
         "/cluster/ha/resources", "/cluster/ha/status/current", "/cluster/sdn/zones", "/cluster/sdn/vnets", "/storage",
         "/nodes/pve1/storage", "/nodes/pve2/storage/tank/status", "/nodes/pve1/network", "/nodes/pve1/network?type=any_bridge",
         "/nodes/pve1/sdn/zones", "/nodes/pve1/sdn/zones/z1/content", "/nodes/pve1/capabilities/qemu/machines",
         "/nodes/pve1/capabilities/qemu/cpu", "/nodes/pve1/subscription", "/nodes/pve2/time",
         "/nodes/pve2/certificates/info", "/pools", "/pools/moved",
         "/access/users", "/access/roles", "/access/acl", "/access/users/mover@pve/token", "/nodes/pve2/qemu",
         "/nodes/pve2/qemu?full=1", "/nodes/pve2/qemu/500/config", "/nodes/pve2/qemu/500/pending",
         "/nodes/pve2/qemu/500/status/current", "/nodes/pve2/qemu/500/snapshot", "/nodes/pve1/tasks"]


def expect(wanted, got, what):
    assert wanted == got, f"{what}: {got!r} instead of {wanted!r}"


def made(fake, node, fields, auth=None):
    """The exit status of a machine's making."""
    status, reason, content = fake.call("POST", f"/nodes/{node}/qemu", fields, auth)
    assert status == 200, (status, reason, content)
    return fake.wait_for_task(content["data"])


def configuration(fake, node, vmid):
    return fake.call("GET", f"/nodes/{node}/qemu/{vmid}/config")[2]["data"]


def look_everywhere(fake):
    for path in LOOKS:
        status, reason, _ = fake.call("GET", path)
        expect(200, status, f"{path} ({reason})")
    found = fake.call("GET", "/cluster/status")[2]["data"]
    expect(2, next(one["nodes"] for one in found if one["type"] == "cluster"), "nodes")


def storages(fake):
    expect("OK", made(fake, "pve1", "vmid=600&scsi0=thin:1&scsi1=share:1,format=qcow2"), "making on thin and shared storage")
    config = configuration(fake, "pve1", 600)
    expect("thin:vm-600-disk-0,size=1G", config["scsi0"], "a thin volume")
    expect("share:600/vm-600-disk-0.qcow2,size=1G", config["scsi1"], "a shared image")
    volumes = fake.call("GET", "/nodes/pve2/storage/share/content?vmid=600")[2]["data"]
    expect(["share:600/vm-600-disk-0.qcow2"], [one["volid"] for one in volumes], "the shared image from the other node")
    expect("OK", made(fake, "pve2", "vmid=601&virtio0=tank:1"), "making on a pool of one node")
    status, reason, _ = fake.call("POST", "/nodes/pve1/qemu", "vmid=602&virtio0=tank:1")
    expect((500, "storage 'tank' is not available on node 'pve1'"), (status, reason), "that pool from the other node")
    assert "No space left on device" in made(fake, "pve1", "vmid=602&scsi0=small:1"), "a full storage took a disk"
    expect(500, fake.call("GET", "/nodes/pve1/qemu/602/config")[0], "the machine whose disk had no room")
    fake.control("POST", "/storage", {"storage": "local", "full": True})
    assert "No space left" in made(fake, "pve1", "vmid=602&scsi0=local:1"), "a storage made full took a disk"
    fake.control("POST", "/storage", {"storage": "local", "full": False})


def block_devices(fake):
    """Volumes of a thick LVM are block devices with old data on them."""
    if os.getuid() != 0 or not os.path.exists("/dev/loop-control"):
        print("no loop devices here: volumes as block devices are not tried")
        return
    expect("OK", made(fake, "pve1", "vmid=603&scsi0=thick:1"), "making on a thick LVM")
    upid = fake.call("PUT", "/nodes/pve1/qemu/603/resize", "disk=scsi0&size=%2B4M")[2]["data"]
    expect("OK", fake.wait_for_task(upid), "growing")
    ssh = ["ssh", "-F", fake.ready["nodes"]["pve1"]["ssh"]["config"], "pve1"]
    words = "P=$(pvesm path thick:vm-603-disk-0); test -b $P; blockdev --getsize64 $P; od -An -tx1 -N2 $P; qm destroy 603"
    done = subprocess.run([*ssh, f"set -e; {words}"], capture_output=True, text=True, check=False)
    expect((0, f"{(1 << 30) + (4 << 20)}\n a5 a5\n"), (done.returncode, done.stdout), f"the device ({done.stderr})")


def rights(fake):
    expect(403, fake.call("GET", "/nodes/pve2/qemu/500/config", auth=BOTH)[0], "a token with less than its user")
    expect(200, fake.call("GET", "/nodes/pve2/qemu/500/config", auth=ALL)[0], "a token with all of its user")
    expect({"/storage/local"}, set(fake.call("GET", "/access/permissions", auth=BOTH)[2]["data"]), "paths of the lesser token")
    status, reason, _ = fake.call("POST", "/nodes/pve1/qemu", "vmid=610&net0=virtio,bridge=green", ALL)
    expect((403, "Permission check failed"), (status, reason.partition(" (")[0]), "a device without VM.Config.Network")
    status, reason, _ = fake.call("POST", "/nodes/pve1/qemu", "vmid=610&vmgenid=11111111-1111-1111-1111-111111111111")
    expect((500, "only root can set 'vmgenid' config"), (status, reason), "a generation id by root's token")
    expect("OK", made(fake, "pve1", "vmid=610&memory=64&scsi0=local:1", ALL), "making with the privileges for it")


def high_availability(fake, version):
    status, reason, _ = fake.call("DELETE", "/nodes/pve2/qemu/500")
    expect((500, "unable to remove VM 500 - used in HA resources and purge parameter not set."), (status, reason), "HA")
    groups, rules = (fake.call("GET", f"/cluster/ha/{what}")[0] for what in ("groups", "rules"))
    expect((200, 501) if version == "8.4" else (500, 200), (groups, rules), "groups and rules")
    content = fake.call("GET", "/nodes/pve2/qemu/500/status/current")[2]["data"]
    expect({"managed": 1, "state": "started"}, content["ha"], "the state of a managed machine")


def versions(fake, version):
    roles = {one["roleid"]: one["privs"].split(",") for one in fake.call("GET", "/access/roles")[2]["data"]}
    expect(version == "8.4", "VM.Monitor" in roles["PVEVMAdmin"], "VM.Monitor")
    expect(version != "8.4", "VM.GuestAgent.Audit" in roles["PVEVMAdmin"], "VM.GuestAgent.Audit")
    status = fake.call("POST", "/access/roles", "roleid=Old&privs=VM.Monitor")[0]
    expect(200 if version == "8.4" else 400, status, "a role with VM.Monitor")


def nodes(fake):
    fake.control("POST", "/node", {"node": "pve2", "online": False})
    expect(595, fake.call("GET", "/nodes/pve2/status")[0], "a node that is off")
    found = {one["node"]: one["status"] for one in fake.call("GET", "/nodes")[2]["data"]}
    expect({"pve1": "online", "pve2": "offline"}, found, "nodes")
    machine = next(one for one in fake.call("GET", "/cluster/resources?type=vm")[2]["data"] if one["vmid"] == 500)
    expect("unknown", machine["status"], "a machine on a node that is off")
    fake.control("POST", "/node", {"node": "pve2", "online": True})
    expect(200, fake.call("GET", "/nodes/pve2/status")[0], "the node when it is back")
    status, reason, _ = fake.call("GET", "/nodes/pve1/qemu/500/config")
    expect((500, "Configuration file 'nodes/pve1/qemu-server/500.conf' does not exist"), (status, reason), "the wrong node")


def snapshots(fake):
    expect("OK", made(fake, "pve1", "vmid=620&scsi0=local:1,format=qcow2&description=one%0Atwo"), "making")
    for name in ("first", "second"):
        upid = fake.call("POST", "/nodes/pve1/qemu/620/snapshot", f"snapname={name}&description=d")[2]["data"]
        expect("OK", fake.wait_for_task(upid), name)
    upid = fake.call("DELETE", "/nodes/pve1/qemu/620/snapshot/first")[2]["data"]
    expect("OK", fake.wait_for_task(upid), "dropping")
    found = fake.call("GET", "/nodes/pve1/qemu/620/snapshot")[2]["data"]
    expect({"second": None, "current": "second"}, {one["name"]: one.get("parent") for one in found}, "snapshots")
    path = "/nodes/pve1/storage/local/content/" + urllib.parse.quote("local:620/vm-620-disk-0.qcow2", safe="")
    expect(1 << 30, fake.call("GET", path)[2]["data"]["size"], "the disk under them")


def waiting_for_a_guest_locks(fake):
    """While a guest is waited for, nobody else changes or stops its machine: as the server, which waits under its lock."""
    expect("OK", made(fake, "pve1", "vmid=630&memory=64&kvm=0"), "making")
    expect("OK", fake.wait_for_task(fake.call("POST", "/nodes/pve1/qemu/630/status/start")[2]["data"]), "starting")
    fake.control("POST", "/options", {"lock_seconds": 0.5})
    down = fake.call("POST", "/nodes/pve1/qemu/630/status/shutdown", "timeout=600")[2]["data"]  # no guest hears it
    told = "can't lock file '/var/lock/qemu-server/lock-630.conf' - got timeout"
    change = (200, "OK")
    while change == (200, "OK"):  # until the worker has the lock
        change = fake.call("PUT", "/nodes/pve1/qemu/630/config", "name=other")[:2]
    expect((500, told), change, "a change meanwhile")
    stop = fake.call("POST", "/nodes/pve1/qemu/630/status/stop")[2]["data"]
    expect(told, fake.wait_for_task(stop), "stopping meanwhile")
    stop = fake.call("POST", "/nodes/pve1/qemu/630/status/stop", "overrule-shutdown=1")[2]["data"]
    expect("OK", fake.wait_for_task(stop), "stopping it all the same")
    assert fake.wait_for_task(down) != "OK"
    fake.control("POST", "/options", {"lock_seconds": 10})


def main():
    for version in ("8.4", "9.1"):
        with tempfile.TemporaryDirectory(prefix="flyt-worlds-") as folder:
            with Fake("--fast-401", "--version", version, world=WORLD, folder=folder) as fake:
                look_everywhere(fake)
                storages(fake)
                block_devices(fake)
                rights(fake)
                high_availability(fake, version)
                versions(fake, version)
                nodes(fake)
                snapshots(fake)
                waiting_for_a_guest_locks(fake)
            expect(0, fake.exit_code, "the fake's own exit status")
    print("worlds of both versions are as their files say")


if __name__ == "__main__":
    sys.exit(main())
