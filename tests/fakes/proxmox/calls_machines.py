"""/nodes/NODE/qemu: the list of machines; making and destroying them."""

import random
import re
import time
import uuid

import calls_care
import disks
import ha
import rights
import storage as storages
from calls import call
from calls_power import boot_process, status_of
from faults import ApiError, died
from vm import BOOTABLE, DRIVES, Machine, find, is_cdrom, parse_drive, write_drive

APART = ("node", "vmid", "archive", "bwlimit", "force", "pool", "start", "storage", "unique", "live-restore",
         "import-working-storage")
QEMU_VERSION, MACHINE_VERSION = "9.2.0", "9.2+pve1"


@call("GET /nodes/{node}/qemu")
def listed(ask):
    found = []
    for machine in list(ask.world.machines.values()):
        if machine.node == ask.node and ask.may(f"/vms/{machine.vmid}", "VM.Audit"):
            entry = status_of(machine, full=bool(ask.get("full")))
            for key in ("ha", "agent", "clipboard") + (() if ask.get("full") else ("qmpstatus", )):
                if key != "qmpstatus" or not ask.get("full"):
                    entry.pop(key, None)
            found.append(entry)
    return found


def add_macs(values):
    """A network device without an address gets one."""
    for name, value in values.items():
        if re.fullmatch(r"net\d+", name):
            parts = [part.partition("=") for part in value.split(",")]
            if not any(":" in text for key, _, text in parts if key == "macaddr" or ":" in text):
                model = parts[0][0] if not parts[0][1] else None
                model = model or next(text for key, _, text in parts if key == "model")
                mac = "BC:24:11:" + ":".join(f"{random.randrange(256):02X}" for _ in range(3))
                rest = [f"{key}={text}" for key, _, text in parts if text and key != "model"]
                values[name] = ",".join([f"{model}={mac}", *sorted(rest)])
            else:
                values[name] = order_net(parts)


def order_net(parts):
    """The model with its address first, the rest in order of names."""
    values = {key: text for key, _, text in parts}
    if "model" in values and "macaddr" in values:
        values[values.pop("model")] = values.pop("macaddr")
    first = next(key for key in values if ":" in values[key])
    return ",".join([f"{first}={values.pop(first)}", *(f"{key}={values[key]}" for key in sorted(values))])


def texts(values):
    return {key: str(value) for key, value in values.items()}


@call("POST /nodes/{node}/qemu")
def create(ask):
    world, vmid, pool = ask.world, ask.get("vmid"), ask.get("pool")
    if ask.get("archive"):
        raise died("restoring backups is not modelled")
    if pool and pool not in world.access.pools:
        raise died(f"pool '{pool}' does not exist")
    if ask.get("storage"):
        ask.demand(f"/storage/{ask.get('storage')}", "Datastore.AllocateSpace")
    if not ask.may(f"/vms/{vmid}", "VM.Allocate") and not (pool and ask.may(f"/pool/{pool}", "VM.Allocate")):
        raise ApiError(403, "Permission check failed")
    values = texts({key: value for key, value in ask.given.items() if key not in APART})
    if "cdrom" in values:
        values["ide2"] = values.pop("cdrom") + ",media=cdrom"
    rights.check_storages(ask, vmid, values)
    rights.check_options(ask, vmid, pool, values)
    rights.check_devices(ask, vmid, pool, values)
    rights.check_bridges(ask, values)
    rights.check_imports(values)
    add_macs(values)
    machine = reserve(world, vmid, ask.node, f"unable to create VM {vmid} -")
    return ask.task("qmcreate", vmid, lambda task: build(ask, machine, values, task))


def reserve(world, vmid, node, told):
    """A configuration that holds nothing but its lock: whoever comes later finds the number taken."""
    with world.lock:
        if vmid in world.containers:
            raise died(f"{told} CT {vmid} already exists on node '{world.containers[vmid]['node']}'")
        if vmid in world.machines:
            raise died(f"{told} VM {vmid} already exists on node '{world.machines[vmid].node}'")
        machine = Machine(world, vmid, node)
        machine.config = {"lock": "create"}
        world.machines[vmid] = machine
        machine.save()
    return machine


def build(ask, machine, values, task):
    world, vmid = ask.world, machine.vmid
    try:
        with machine.locked():
            maker = disks.Maker(world, machine.node, vmid, task)
            made = maker.make({key: value for key, value in values.items() if DRIVES.fullmatch(key)},
                              ask.get("import-working-storage"))
            config = values | made
            fill(config)
            machine.config = config
            machine.save()
    except ApiError as error:
        forget(world, machine)
        raise died(f"unable to create VM {vmid} - {error.message}") from error
    except BaseException:
        forget(world, machine)
        raise
    if ask.get("pool"):
        world.access.pools[ask.get("pool")]["vms"].add(vmid)
    if ask.get("start"):
        task.log("Execute autostart")
        world.tasks.run(machine.node, "qmstart", vmid, ask.caller, lambda inner: boot_process(machine, inner))


def forget(world, machine):
    world.machines.pop(machine.vmid, None)
    machine.file.unlink(missing_ok=True)


def fill(config):
    """What a new machine gets that nobody asked for."""
    config["meta"] = f"creation-qemu={QEMU_VERSION},ctime={int(time.time())}"
    config.setdefault("smbios1", f"uuid={uuid.uuid4()}")
    if config.get("vmgenid", "1") == "1":
        config["vmgenid"] = str(uuid.uuid4())
    if "boot" not in config:
        config["boot"] = default_boot(config)
    if re.match(r"w(in|2k|xp|vista)", config.get("ostype", "")) and config.get("machine", "pc") in ("pc", "q35"):
        # Windows takes another version of its machine for other hardware: it is held fast.
        config["machine"] = f"pc-{'q35' if config.get('machine') == 'q35' else 'i440fx'}-{MACHINE_VERSION}"


def default_boot(config):
    """The first disk, the first drive for media, the first network device; a blank when there is none."""
    drives = {key: parse_drive(value) for key, value in sorted(config.items(), key=by_number) if BOOTABLE.fullmatch(key)}
    disk = next((key for key, drive in drives.items() if not is_cdrom(drive)), None)
    media = next((key for key, drive in drives.items() if is_cdrom(drive)), None)
    net = next((key for key in sorted(config) if re.fullmatch(r"net\d+", key)), None)
    found = [key for key in (disk, media, net) if key]
    return "order=" + ";".join(found) if found else " "


def by_number(item):
    found = re.fullmatch(r"([a-z]+)(\d+)", item[0])
    kinds = ["ide", "scsi", "virtio", "sata"]
    return (kinds.index(found[1]), int(found[2])) if found and found[1] in kinds else (len(kinds), 0)


@call("DELETE /nodes/{node}/qemu/{vmid}")
def destroy(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if ask.get("skiplock") and not ask.caller.is_root:
        raise ApiError(400, "Parameter verification failed.", {"skiplock": "Only root may use this option."})
    if machine.config.get("protection") == "1":
        raise died(f"can't remove VM {machine.vmid} - protection mode enabled")
    if f"vm:{machine.vmid}" in ask.world.ha and not ask.get("purge"):
        raise died(f"unable to remove VM {machine.vmid} - used in HA resources and purge parameter not set.")
    if any(job["guest"] == machine.vmid for job in ask.world.replication.values()) and not ask.get("purge"):
        raise died(f"unable to remove VM {machine.vmid} - there are replication jobs")
    if machine.running:
        raise died(f"VM {machine.vmid} is running - destroy failed")

    def work(task):
        with machine.locked():
            if not ask.get("skiplock"):
                machine.demand_unlocked()
            if machine.running:
                raise died(f"VM {machine.vmid} is running - destroy failed")
            remove_all(ask.world, machine, task, bool(ask.get("destroy-unreferenced-disks")))
            forget(ask.world, machine)
        if ask.get("purge"):
            task.log(f"purging VM {machine.vmid} from related configurations..")
            ha.forget(ask.world, machine.vmid)
            calls_care.forget_in_jobs(ask.world, machine.vmid)
            calls_care.forget_replication(ask.world, machine.vmid)
        for pool in ask.world.access.pools.values():
            pool["vms"].discard(machine.vmid)
    return ask.task("qmdestroy", machine.vmid, work)


def remove_all(world, machine, task, unreferenced):
    """The machine's own volumes; those of others that it only refers to stay."""
    named = {parse_drive(value)["file"] for config in [machine.config, machine.pending, *machine.snapshots.values()]
             for key, value in config.items() if DRIVES.fullmatch(key) or re.fullmatch(r"unused\d+|vmstate", key)}
    if unreferenced:
        for storage in world.storages.values():
            if storage.on(machine.node) and "images" in storage.content:
                named |= {entry["volid"] for entry in storage.list(machine.node, ["images"], machine.vmid)}
    for volid in sorted(named):
        if ":" in volid and disks.owned_by(world, volid, machine.vmid):
            try:
                disks.remove(world, machine.node, volid, lambda text: None)
            except ApiError as error:
                task.log(f"Could not remove disk '{volid}', check manually: {error.message}")


@call("POST /nodes/{node}/qemu/{vmid}/template")
def template(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if machine.running:
        raise died(f"you can't convert a VM to template if VM is running")

    def work(_):
        with machine.locked():
            machine.demand_unlocked()
            machine.config["template"] = "1"
            for key, drive in machine.drives().items():
                if is_cdrom(drive):
                    continue
                storage, name = storages.volume(ask.world, drive["file"])
                drive["file"] = storage.volume_id(storage.make_base(ask.node, name))
                machine.config[key] = write_drive(drive)
            machine.save()
    return ask.task("qmtemplate", machine.vmid, work)


