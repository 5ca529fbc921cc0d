"""A virtual machine's configuration: what stands in its file, what is pending, its snapshots."""

import hashlib
import re
import threading
import urllib.parse

import propertystring
from faults import died

DRIVES = re.compile(r"(?:ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:1[0-5]|\d)|efidisk0|tpmstate0)")
BOOTABLE = re.compile(r"(?:ide|sata|scsi|virtio)\d+")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
LOCK_SECONDS = 10


class Machine:
    def __init__(self, world, vmid, node):
        self.world, self.vmid, self.node = world, int(vmid), node
        self.config, self.pending, self.snapshots = {}, {}, {}
        self.dropped = {}  # key -> force: deletions that wait for the next start
        self.parent = None
        self.firewall = {"options": {}, "rules": []}
        self.mutex = threading.RLock()
        self.process = None  # machine.Process while it runs

    @property
    def file(self):
        folder = self.world.state / "etc/pve/nodes" / self.node / "qemu-server"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{self.vmid}.conf"

    def text(self):
        lines = [f"#{urllib.parse.quote(line, safe=SAFE)}" for line in self.config.get("description", "").split("\n")
                 if "description" in self.config]
        lines += [f"{key}: {value}" for key, value in sorted(self.config.items()) if key != "description"]
        if self.parent:
            lines.append(f"parent: {self.parent}")
        if self.pending or self.dropped:
            lines += ["", "[PENDING]"] + [f"{key}: {value}" for key, value in sorted(self.pending.items())]
            if self.dropped:
                lines.append("delete: " + ",".join(sorted(self.dropped)))
        for name, snapshot in sorted(self.snapshots.items()):
            lines += ["", f"[{name}]"] + [f"{key}: {value}" for key, value in sorted(snapshot.items())]
        return "\n".join(lines) + "\n"

    @property
    def digest(self):
        return hashlib.sha1(self.text().encode()).hexdigest()

    def save(self):
        self.file.write_text(self.text())

    def locked(self):
        return Locked(self)

    def demand_unlocked(self):
        if "lock" in self.config:
            raise died(f"VM is locked ({self.config['lock']})")

    def demand_digest(self, digest):
        if digest and digest != self.digest:
            raise died("checksum mismatch (file change by other user?)")

    @property
    def running(self):
        return bool(self.process and self.process.alive())

    @property
    def template(self):
        return self.config.get("template") == "1"

    def shown(self, current=False):
        """The configuration as it will be after the next start, or as it is now."""
        values = dict(self.config)
        if not current:
            values |= self.pending
            for key in self.dropped:
                values.pop(key, None)
        return values

    def drives(self, config=None):
        """{key: its parts} of all drives."""
        config = self.config if config is None else config
        return {key: parse_drive(value) for key, value in sorted(config.items()) if DRIVES.fullmatch(key)}

    def boot_disk_size(self):
        order = re.match(r"order=(.*)", self.config.get("boot", ""))
        keys = order[1].split(";") if order else [key for key in sorted(self.config) if BOOTABLE.fullmatch(key)]
        for key in keys:
            if BOOTABLE.fullmatch(key) and key in self.config:
                drive = parse_drive(self.config[key])
                if drive.get("media") != "cdrom" and drive["file"] != "none":
                    return size_of(drive.get("size", "0"))
        return 0

    def name(self):
        return self.config.get("name", f"VM {self.vmid}")


SAFE = "".join(chr(code) for code in range(32, 127) if chr(code) != "%")


class Locked:
    """Holds the machine's configuration lock, as `with`; raises as the server does when it is not free in time."""

    def __init__(self, machine):
        self.machine = machine

    def __enter__(self):
        if not self.machine.mutex.acquire(timeout=self.machine.world.options.get("lock_seconds", LOCK_SECONDS)):
            raise died(f"can't lock file '/var/lock/qemu-server/lock-{self.machine.vmid}.conf' - got timeout")
        return self.machine

    def __exit__(self, *_):
        self.machine.mutex.release()


def find(world, vmid, node):
    machine = world.machines.get(int(vmid))
    if not machine or machine.node != node:
        raise died(f"Configuration file 'nodes/{node}/qemu-server/{int(vmid)}.conf' does not exist")
    return machine


def parse_drive(text):
    """{"file": volume, other options}."""
    parts = text.split(",")
    values = {}
    for part in parts:
        key, mark, value = part.partition("=")
        if not mark:
            key, value = "file", part
        values["file" if key == "volume" else key] = value
    return values


def write_drive(values):
    return propertystring.write(values, "file")


def is_cdrom(drive):
    return drive.get("media") == "cdrom" or drive["file"] in ("none", "cdrom")


def is_cloudinit(drive):
    return bool(re.search(r"(?:^|[:/])(?:cloudinit|vm-\d+-cloudinit)(?:\.(?:raw|qcow2))?$", drive["file"]))


def size_of(text):
    """Bytes of `10G`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", str(text))
    return int(float(found[1]) * UNITS[found[2]]) if found else 0


def memory_of(config):
    """MiB, of `512` and of `current=512`."""
    return int(re.match(r"(?:current=)?(\d+)", config.get("memory", "512"))[1])


def size_text(size):
    """As sizes stand in configurations: the largest unit that divides them."""
    for unit in ("T", "G", "M", "K"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)
