"""/nodes/NODE/qemu/VMID/snapshot: qcow2 disks only, of machines that are off or without their memory."""

import time

import storage as storages
from calls import call
from calls_config import typed
from faults import died
from vm import DRIVES, find, is_cdrom


def disks_of(machine, config=None):
    for key, drive in machine.drives(config).items():
        if not is_cdrom(drive) and DRIVES.fullmatch(key):
            storage, name = storages.volume(machine.world, drive["file"])
            yield key, drive, storage.path(machine.node, name), storage.parse(name).form


@call("GET /nodes/{node}/qemu/{vmid}/snapshot")
def listed(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    found = []
    for name, snapshot in machine.snapshots.items():
        entry = {"name": name, "description": snapshot.get("description", ""), "vmstate": 0,
                 "snaptime": int(snapshot.get("snaptime", 0))}
        found.append(entry | ({"parent": snapshot["parent"]} if "parent" in snapshot else {}))
    now = {"name": "current", "description": "You are here!", "digest": machine.digest, "running": int(machine.running)}
    return [*found, now | ({"parent": machine.parent} if machine.parent else {})]


@call("POST /nodes/{node}/qemu/{vmid}/snapshot")
def make(ask):
    machine, name = find(ask.world, ask.get("vmid"), ask.node), ask.get("snapname")
    if name in ("current", "pending"):
        raise died(f"unable to use snapshot name '{name}' (reserved name)")
    if ask.get("vmstate"):
        raise died("snapshots with memory are not modelled")

    def work(task):
        with machine.locked():
            machine.demand_unlocked()
            if name in machine.snapshots:
                raise died(f"snapshot name '{name}' already used")
            for _, _, _, form in disks_of(machine):
                if form != "qcow2":
                    raise died("snapshot feature is not available")
            snapshot = dict(machine.config) | {"snaptime": str(int(time.time()))}
            snapshot.pop("description", None)
            if ask.get("description"):
                snapshot["description"] = ask.get("description")
            if machine.parent:
                snapshot["parent"] = machine.parent
            for key, drive, path, _ in disks_of(machine):
                task.log(f"snapshotting 'drive-{key}' ({drive['file']})")
                take(machine, key, path, name)
            machine.snapshots[name], machine.parent = snapshot, name
            machine.save()
    return ask.task("qmsnapshot", machine.vmid, work)


def take(machine, key, path, name):
    if machine.running:
        machine.process.ask("blockdev-snapshot-internal-sync", {"device": f"drive-{key}", "name": name})
        return
    done = storages.run(["qemu-img", "snapshot", "-c", name, path])
    if done.returncode:
        raise died(done.stderr.strip())


def existing(machine, name):
    if name not in machine.snapshots:
        raise died(f"snapshot '{name}' does not exist")
    return machine.snapshots[name]


@call("DELETE /nodes/{node}/qemu/{vmid}/snapshot/{snapname}")
def remove(ask):
    machine, name = find(ask.world, ask.get("vmid"), ask.node), ask.get("snapname")

    def work(_):
        with machine.locked():
            machine.demand_unlocked()
            for key, _, path, _ in disks_of(machine, existing(machine, name)):
                if machine.running:
                    machine.process.ask("blockdev-snapshot-delete-internal-sync",
                                        {"device": f"drive-{key}", "name": name})
                elif path.exists():
                    storages.run(["qemu-img", "snapshot", "-d", name, path])
            gone = machine.snapshots.pop(name)
            machine.parent = gone.get("parent") if machine.parent == name else machine.parent
            for snapshot in machine.snapshots.values():
                if snapshot.get("parent") == name:
                    snapshot.pop("parent")
                    if "parent" in gone:
                        snapshot["parent"] = gone["parent"]
            machine.save()
    return ask.task("qmdelsnapshot", machine.vmid, work)


@call("GET /nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config")
def config(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    return typed(ask, existing(machine, ask.get("snapname")))


@call("POST /nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback")
def rollback(ask):
    machine, name = find(ask.world, ask.get("vmid"), ask.node), ask.get("snapname")

    def work(task):
        with machine.locked():
            machine.demand_unlocked()
            wanted = existing(machine, name)
            if machine.running:
                machine.process.quit(task)
            for _, _, path, _ in disks_of(machine, wanted):
                storages.run(["qemu-img", "snapshot", "-a", name, path])
            kept = {key: value for key, value in machine.config.items() if key.startswith("unused")}
            machine.config = {key: value for key, value in wanted.items()
                              if key not in ("snaptime", "parent", "description")} | kept
            machine.parent = name
            machine.save()
    return ask.task("qmrollback", machine.vmid, work)
