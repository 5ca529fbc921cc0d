"""/nodes/NODE/qemu/VMID/config and what else changes a configuration."""

import re

import disks
import rights
import storage as storages
from calls import call
from calls_machines import add_macs, texts
from faults import bad, died
from formats import split_list
from tables import COUNTS
from vm import DRIVES, find, is_cdrom, parse_drive, size_of, size_text, write_drive

APART = ("node", "vmid", "digest", "skiplock", "delete", "revert", "force", "background_delay",
         "import-working-storage")
AT_ONCE = {"name", "description", "tags", "onboot", "startup", "protection", "lock", "hotplug", "agent", "template",
           "autostart", "shares", "boot", "migrate_downtime", "migrate_speed"}


def typed(ask, config):
    """Values as the API types them: numbers and booleans are numbers, the rest is text."""
    options = ask.world.table.get("POST /nodes/{node}/qemu")
    return {key: typed_value(options.find(key), value) for key, value in config.items()}


def typed_value(spec, value):
    kind = (spec or {}).get("type")
    if kind in ("integer", "boolean") and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "number":
        number = float(value)
        return int(number) if number == int(number) else number
    return value


@call("GET /nodes/{node}/qemu/{vmid}/config")
def config(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if ask.get("snapshot"):
        if ask.get("snapshot") not in machine.snapshots:
            raise died(f"snapshot '{ask.get('snapshot')}' does not exist")
        return typed(ask, machine.snapshots[ask.get("snapshot")]) | {"digest": machine.digest}
    found = typed(ask, machine.shown(bool(ask.get("current")))) | {"digest": machine.digest}
    return found | ({"parent": machine.parent} if machine.parent else {})


@call("GET /nodes/{node}/qemu/{vmid}/pending")
def pending(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    now, later = typed(ask, machine.config), typed(ask, machine.pending)
    found = []
    for key in sorted(set(now) | set(later)):
        entry = {"key": key}
        if key in now:
            entry["value"] = now[key]
        if key in later:
            entry["pending"] = str(later[key]) if isinstance(now.get(key), str) else later[key]
        if key in machine.dropped:
            entry["delete"] = 2 if machine.dropped[key] else 1
        found.append(entry)
    return [*found, {"key": "digest", "value": machine.digest}]


@call("PUT /nodes/{node}/qemu/{vmid}/config")
def put(ask):
    change = Change(ask)
    change.apply(Quiet())


@call("POST /nodes/{node}/qemu/{vmid}/config")
def post(ask):
    change = Change(ask)
    change.early()

    def work(task):
        task.log(change.told())
        change.apply(task)
    upid = ask.task("qmconfig", ask.get("vmid"), work)
    delay = ask.get("background_delay")
    if delay and ask.world.tasks.find(upid).done.wait(delay):
        task = ask.world.tasks.find(upid)
        if task.exit != "OK":
            raise died(task.exit)
        return None
    return upid


class Quiet:
    """A task for work that is none."""
    pid = 0

    def log(self, text):
        pass

    def check(self):
        pass


class Change:
    """One change of one machine's configuration, with all checks in the server's order."""

    def __init__(self, ask):
        self.ask = ask
        if ask.get("skiplock") and not ask.caller.is_root:
            raise bad(skiplock="Only root may use this option.")
        self.values = texts({key: value for key, value in ask.given.items() if key not in APART})
        if "cdrom" in self.values:
            self.values["ide2"] = self.values.pop("cdrom") + ",media=cdrom"
        self.deleted = split_list(ask.get("delete", ""))
        self.reverted = split_list(ask.get("revert", ""))
        if not self.values and not self.deleted and not self.reverted:
            raise died("no options specified")
        for key in self.deleted:
            if key in self.values:
                raise bad(delete=f"you can't use '-{key}' and '-delete {key}' at the same time")
        self.machine = find(ask.world, ask.get("vmid"), ask.node)
        vmid = self.machine.vmid
        rights.check_options(ask, vmid, None, [*self.deleted, *self.reverted, *self.values])
        rights.check_devices(ask, vmid, None, self.values)
        rights.check_bridges(ask, self.values)
        rights.check_storages(ask, vmid, self.values)
        rights.check_imports(self.values)
        self.check_drives(vmid)
        add_macs(self.values)

    def check_drives(self, vmid):
        for key in [*self.values, *self.deleted]:
            text = self.values.get(key) or self.machine.config.get(key)
            if DRIVES.fullmatch(key) and text and not self.ask.caller.is_root:
                rights.machine_may(self.ask, vmid, None, *rights.drive_privilege(text))
            elif re.fullmatch(r"unused\d+", key):
                rights.machine_may(self.ask, vmid, None, "VM.Config.Disk")

    def told(self):
        words = dict(self.values) | ({"delete": self.ask.get("delete")} if self.deleted else {})
        words = {key: value for key, value in words.items() if key != "cipassword"}
        return f"update VM {self.machine.vmid}: " + " ".join(f"-{key} {words[key]}" for key in sorted(words))

    def early(self):
        self.machine.demand_digest(self.ask.get("digest"))
        if not self.ask.get("skiplock"):
            self.machine.demand_unlocked()
        self.protect()

    def protect(self):
        if self.machine.config.get("protection") == "1":
            for key in self.deleted:
                if DRIVES.fullmatch(key) and key in self.machine.config:
                    raise died(f"can't remove drive '{key}' - protection mode enabled")

    def apply(self, task):
        machine = self.machine
        with machine.locked():
            if self.ask.world.machines.get(machine.vmid) is not machine:
                find(self.ask.world, machine.vmid, machine.node)
            self.early()
            self.check_boot()
            for key in self.reverted:
                machine.pending.pop(key, None)
                machine.dropped.pop(key, None)
            for key in self.deleted:
                self.delete(key, task)
            maker = disks.Maker(self.ask.world, machine.node, machine.vmid, task)
            made = maker.make({key: text for key, text in self.values.items() if DRIVES.fullmatch(key)},
                              self.ask.get("import-working-storage"))
            for key, text in (self.values | made).items():
                self.set(key, text, task)
            machine.save()

    def check_boot(self):
        order = re.match(r"order=(.*)", self.values.get("boot", ""))
        for key in order[1].split(";") if order else []:
            if key and (key in self.deleted or key not in self.machine.shown() | self.values):
                raise died(f"invalid bootorder: device '{key}' does not exist'")

    def set(self, key, text, task):
        machine = self.machine
        if DRIVES.fullmatch(key):
            self.leave_old(key, text)
            self.use(parse_drive(text)["file"])
        if machine.running and not self.takes_now(key, text, task):
            machine.pending[key] = text
            machine.dropped.pop(key, None)
            return
        machine.config[key] = text
        machine.pending.pop(key, None)
        machine.dropped.pop(key, None)

    def takes_now(self, key, text, task):
        """Whether a running machine takes the change at once."""
        if key in AT_ONCE:
            return True
        if re.fullmatch(r"net\d+", key) and key in self.machine.config:
            return fixed_part(self.machine.config[key]) == fixed_part(text)
        if re.fullmatch(r"(scsi|virtio|unused)\d+", key):
            return key.startswith("unused") or plug(self.machine, key, text, task)
        return False

    def leave_old(self, key, text):
        """A disk that another takes the place of stays as an unused one."""
        old = self.machine.config.get(key)
        if old and parse_drive(old)["file"] != parse_drive(text)["file"]:
            self.unused(parse_drive(old))

    def use(self, volid):
        for key, text in list(self.machine.config.items()):
            if re.fullmatch(r"unused\d+", key) and parse_drive(text)["file"] == volid:
                del self.machine.config[key]

    def unused(self, drive):
        if is_cdrom(drive) or not disks.owned_by(self.ask.world, drive["file"], self.machine.vmid):
            return
        free = next(n for n in range(COUNTS["unused"]) if f"unused{n}" not in self.machine.config)
        self.machine.config[f"unused{free}"] = drive["file"]

    def delete(self, key, task):
        machine = self.machine
        machine.pending.pop(key, None)
        if key not in machine.config:
            task.log(f"cannot delete '{key}' - not set in current configuration!")
            return
        if DRIVES.fullmatch(key) or re.fullmatch(r"unused\d+", key):
            if machine.running and DRIVES.fullmatch(key) and not unplug(machine, key):
                machine.dropped[key] = bool(self.ask.get("force"))
                return
            self.drop_drive(key, parse_drive(machine.config.pop(key)))
        elif machine.running and key not in AT_ONCE:
            machine.dropped[key] = False
        else:
            del machine.config[key]

    def drop_drive(self, key, drive):
        if key.startswith("unused") or self.ask.get("force"):
            if disks.owned_by(self.ask.world, drive["file"], self.machine.vmid):
                disks.remove(self.ask.world, self.machine.node, drive["file"])
        elif ":" in drive["file"]:
            self.unused(drive)


def fixed_part(card):
    """What of a network device is the device itself, and no matter of the bridge that it is plugged into."""
    return sorted(part for part in card.split(",")
                  if part.partition("=")[0] not in ("bridge", "firewall", "link_down", "rate", "tag", "trunks"))


def plug(machine, key, text, task):
    """Adds a disk to the running machine; whether that was possible."""
    drive = parse_drive(text)
    if key in machine.config or is_cdrom(drive) or machine.config.get("scsihw") == "virtio-scsi-single":
        return False
    storage, name = storages.volume(machine.world, drive["file"])
    form = storage.parse(name).form
    task.check()
    machine.process.human(f"drive_add auto file={storage.path(machine.node, name)},if=none,id=drive-{key},format={form},"
                          "cache=none")
    number = int(re.search(r"\d+", key)[0])
    if key.startswith("virtio"):
        arguments = {"driver": "virtio-blk-pci", "bus": "pci.0", "addr": f"{10 + number:#x}"}
    else:
        arguments = {"driver": "scsi-hd", "bus": "scsihw0.0", "channel": 0, "scsi-id": 0, "lun": number}
    machine.process.ask("device_add", arguments | {"drive": f"drive-{key}", "id": key})
    return True


def unplug(machine, key):
    """Takes a disk out of the running machine; whether that was possible."""
    if not key.startswith("scsi") or machine.config.get("scsihw") == "virtio-scsi-single":
        return False
    machine.process.ask("device_del", {"id": key})
    machine.process.human(f"drive_del drive-{key}")
    return True


@call("PUT /nodes/{node}/qemu/{vmid}/unlink")
def unlink(ask):
    ask.given["delete"] = ask.given.pop("idlist")
    put(ask)


@call("PUT /nodes/{node}/qemu/{vmid}/resize")
def resize(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    machine.demand_digest(ask.get("digest"))
    if not ask.get("skiplock"):
        machine.demand_unlocked()
    key = ask.get("disk")

    def work(task):
        with machine.locked():
            if key not in machine.config:
                raise died(f"disk '{key}' does not exist")
            drive = parse_drive(machine.config[key])
            storage, name = storages.volume(ask.world, drive["file"])
            path, form = storage.path(machine.node, name), storage.parse(name).form
            old = storages.image_info(path, form)["virtual-size"]
            text = ask.get("size")
            size = old + size_of(text[1:]) if text.startswith("+") else size_of(text)
            if size < old:
                raise died("shrinking disks is not supported")
            storage.demand_room(machine.node, size - old)
            if machine.running:
                machine.process.ask("block_resize", {"device": f"drive-{key}", "size": size})
            elif told := storage.resize(machine.node, name, size):
                task.log(told)
            machine.config[key] = write_drive(drive | {"size": size_text(size)})
            machine.save()
    return ask.task("resize", machine.vmid, work)
