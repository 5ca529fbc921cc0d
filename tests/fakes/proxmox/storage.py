"""Storages: where volumes lie on a node, how they are named, made and told of."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from faults import died

KINDS = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import")
FOLDERS = {"iso": "template/iso", "vztmpl": "template/cache", "backup": "dump", "snippets": "snippets",
           "import": "import"}
FILES = {"dir", "nfs", "cifs", "btrfs", "cephfs", "glusterfs"}
NEVER_SHARED = {"dir", "lvmthin", "zfspool", "lvm", "btrfs"}
IMAGE_FORMATS = ("raw", "qcow2", "vmdk", "qed")


@dataclass
class Volume:
    """A volume's name taken apart."""
    kind: str
    name: str
    vmid: int = None
    form: str = None
    inner: str = None  # a disk inside an OVA


class Storage:
    def __init__(self, world, entry):
        self.world = world
        self.name = entry["storage"]
        self.kind = entry["type"]
        self.entry = {key: value for key, value in entry.items() if key not in ("size", "nodes", "shared", "disable")}
        self.limit = entry.get("size")
        self.nodes = entry.get("nodes")
        self.enabled = not entry.get("disable")
        self.shared = int(bool(entry.get("shared", self.kind not in NEVER_SHARED)))
        self.full = False

    @property
    def content(self):
        return [part for part in re.split(r"[,;\s]+", self.entry.get("content", "images,rootdir")) if part]

    def on(self, node):
        return not self.nodes or node in self.nodes

    def root(self, node):
        """Where its volumes lie on `node`."""
        base = self.world.state / "shared" / self.name if self.shared else \
            self.world.nodes[node].folder / "storage" / self.name
        base.mkdir(parents=True, exist_ok=True)
        return base

    def listed(self):
        """As the cluster's configuration tells it."""
        entry = dict(self.entry)
        if self.nodes:
            entry["nodes"] = ",".join(self.nodes)
        if self.shared and self.kind in NEVER_SHARED:
            entry["shared"] = 1
        if not self.enabled:
            entry["disable"] = 1
        return entry

    def usage(self, node):
        """(total, used, available) in bytes."""
        space = os.statvfs(self.root(node))
        total, free = space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
        used = total - space.f_bfree * space.f_frsize
        if self.limit is not None:
            used = sum(file.stat().st_blocks * 512 for file in self.root(node).rglob("*") if file.is_file())
            total, free = int(self.limit), max(0, int(self.limit) - used)
        return (total, total, 0) if self.full else (total, used, free)

    def demand_room(self, node, size):
        """Only where the world names a size, or a fault makes it full: else the file system itself says no."""
        if self.full or (self.limit is not None and size > self.usage(node)[2]):
            raise died(f"unable to create image: {self.no_room(node, size)}")

    def no_room(self, node, size):
        return f"qemu-img: {self.root(node)}: Could not resize file: No space left on device"

    def volume_id(self, name):
        return f"{self.name}:{name}"

    def free_name(self, node, vmid, form, purpose="disk"):
        taken = {entry["volid"].rsplit("/", 1)[-1].rsplit(":", 1)[-1].partition(".")[0]
                 for entry in self.list(node, ["images"], vmid)}
        if purpose != "disk":
            return f"vm-{vmid}-{purpose}{self.suffix(form)}"
        number = next(n for n in range(1000) if f"vm-{vmid}-disk-{n}" not in taken)
        return f"vm-{vmid}-disk-{number}{self.suffix(form)}"


class FileStorage(Storage):
    """Volumes are files in folders, as on dir and NFS storages."""
    forms = IMAGE_FORMATS
    default_form = "raw"

    def suffix(self, form):
        return f".{form}"

    def parse(self, name):
        image = re.fullmatch(r"(\d+)/(\S+)", name)
        if image:
            form = re.fullmatch(r".*\.(raw|qcow2|vmdk|qed|subvol)", image[2])
            if not form:
                raise died(f"unable to parse volume filename '{image[2]}'")
            return Volume("images", image[2], int(image[1]), form[1])
        inner = re.fullmatch(r"import/([^/]+\.ova)/([^/]+\.(vmdk|qcow2|raw))", name)
        if inner:
            return Volume("import", inner[1], form=f"ova+{inner[3]}", inner=inner[2])
        for kind, pattern, form in (("import", r"import/([^/]+\.(raw|qcow2|vmdk|ova|ovf))", 2),
                                    ("iso", r"iso/([^/]+\.(?:iso|img))", None),
                                    ("vztmpl", r"vztmpl/([^/]+\.tar\.(?:gz|xz|zst))", None),
                                    ("snippets", r"snippets/([^/]+)", None), ("backup", r"backup/([^/]+)", None)):
            found = re.fullmatch(pattern, name)
            if found:
                return Volume(kind, found[1], form=found[form] if form else kind)
        raise died(f"unable to parse directory volume name '{name}'")

    def path(self, node, name):
        volume = self.parse(name)
        if volume.kind == "images":
            return self.root(node) / "images" / str(volume.vmid) / volume.name
        return self.root(node) / FOLDERS[volume.kind] / volume.name

    def image_name(self, vmid, name):
        return f"{vmid}/{name}"

    def list(self, node, kinds, vmid=None):
        found = []
        if "images" in kinds:
            for file in sorted(self.root(node).glob("images/*/*")):
                owner, form = file.parent.name, file.suffix[1:]
                if owner.isdigit() and form in IMAGE_FORMATS and (vmid is None or int(owner) == int(vmid)):
                    found.append(image_entry(self.volume_id(f"{owner}/{file.name}"), file, int(owner), form))
        for kind in ("iso", "vztmpl", "backup", "snippets", "import"):
            for file in sorted((self.root(node) / FOLDERS[kind]).glob("*")) if kind in kinds else []:
                if (form := form_of_file(kind, file.name)) and file.is_file():
                    found.append({"volid": self.volume_id(f"{kind}/{file.name}"), "content": kind, "format": form,
                                  "size": file.stat().st_size, "ctime": int(file.stat().st_ctime)})
        return found

    def alloc(self, node, vmid, form, name, size, log=lambda text: None):
        """Makes an image of `size` bytes; its volume id."""
        name = name or self.free_name(node, vmid, form)
        path = self.path(node, self.image_name(vmid, name))
        if path.exists():
            raise died(f"disk image '{path}' already exists")
        self.demand_room(node, size)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            log(create_image(path, form, size))
        except Exception:
            path.unlink(missing_ok=True)
            raise
        return self.volume_id(self.image_name(vmid, name))

    def resize(self, node, name, size):
        """What qemu-img says."""
        done = run(["qemu-img", "resize", "-f", self.parse(name).form, self.path(node, name), str(size)])
        if done.returncode:
            raise died(done.stderr.strip())
        return done.stdout

    def make_base(self, node, name):
        """An image that others may stand on, never written again; its new name."""
        volume = self.parse(name)
        base = self.image_name(volume.vmid, volume.name.replace("vm-", "base-", 1))
        self.path(node, name).rename(self.path(node, base))
        self.path(node, base).chmod(0o444)
        return base

    def free(self, node, name, log=lambda text: None):
        path = self.path(node, name)
        if path.exists():
            path.unlink()
        else:
            log(f"disk image '{path}' does not exist")
        if self.parse(name).kind == "images" and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


class VolumeStorage(Storage):
    """Volumes of a volume group or pool; names, formats and paths are theirs.

    Files stand in for the block devices. With `devices` in the world they are block devices indeed (loop devices), and
    with `dirty` they hold old data, as volumes of a thick LVM do.
    """
    forms = ("raw",)
    default_form = "raw"
    unit = 8 << 10
    told_made = told_gone = ""

    def __init__(self, world, entry):
        super().__init__(world, entry)
        self.devices = bool(self.entry.pop("devices", False))
        self.dirty = bool(self.entry.pop("dirty", False))

    def suffix(self, form):
        return ""

    def group(self):
        return self.entry.get("vgname") or self.entry.get("pool") or self.name

    def backing(self, node, name):
        """The file with the volume's bytes."""
        folder = super().root(node) / "volumes"
        folder.mkdir(exist_ok=True)
        return folder / name

    def root(self, node):
        base = super().root(node) / "dev" / self.group()
        base.mkdir(parents=True, exist_ok=True)
        return base

    def parse(self, name):
        found = re.fullmatch(r"(?:vm|base)-(\d+)-\S+", name)
        if not found:
            raise died(f"unable to parse {self.kind.replace('pool', '')} volume name '{name}'")
        return Volume("images", name, int(found[1]), "raw")

    def path(self, node, name):
        return self.root(node) / self.parse(name).name

    def image_name(self, vmid, name):
        return name

    def list(self, node, kinds, vmid=None):
        found = []
        for file in sorted(self.root(node).glob("*-*")) if "images" in kinds else []:
            owner = int(file.name.split("-")[1])
            if vmid is None or owner == int(vmid):
                entry = image_entry(self.volume_id(file.name), self.backing(node, file.name), owner, "raw")
                entry.pop("used", None)
                found.append(entry)
        return found

    def usage(self, node):
        if self.limit is None:
            return super().usage(node)
        used = sum(file.stat().st_size for file in self.backing(node, "x").parent.iterdir())
        total = int(self.limit)
        return (total, total, 0) if self.full else (total, used, max(0, total - used))

    def alloc(self, node, vmid, form, name, size, log=lambda text: None):
        if form != "raw":
            raise died(f"unsupported format '{form}'")
        name = name or self.free_name(node, vmid, form)
        if not re.match(rf"vm-{vmid}-", name):
            raise died(f"illegal name '{name}' - should be 'vm-{vmid}-*'")
        path, file = self.path(node, name), self.backing(node, name)
        if file.exists():
            raise died(self.told_taken(name))
        self.demand_room(node, size)
        size = -(-size // self.unit) * self.unit
        with open(file, "wb") as out:
            out.truncate(size)
            for start in range(0, size if self.dirty else 0, 1 << 20):
                out.seek(start)
                out.write(b"\xa5" * 4096)
        path.symlink_to(attach_loop(file) if self.devices else file)
        log(self.told_made.format(name=name))
        return self.volume_id(name)

    def resize(self, node, name, size):
        os.truncate(self.backing(node, name), -(-size // self.unit) * self.unit)
        if self.devices:
            run(["losetup", "-c", os.readlink(self.path(node, name))])
        return ""

    def make_base(self, node, name):
        base = name.replace("vm-", "base-", 1)
        link, file = self.path(node, name), self.backing(node, name)
        target = os.readlink(link)
        link.unlink()
        file.rename(self.backing(node, base))
        self.path(node, base).symlink_to(target if self.devices else self.backing(node, base))
        return base

    def free(self, node, name, log=lambda text: None):
        path, file = self.path(node, name), self.backing(node, name)
        if not file.exists():
            raise died(self.told_missing(name))
        if self.devices:
            run(["losetup", "-d", os.readlink(path)])
        path.unlink()
        file.unlink()
        log(self.told_gone.format(name=name))


class LogicalVolumes(VolumeStorage):
    unit = 4 << 20
    told_made = '  Logical volume "{name}" created.'
    told_gone = '  Logical volume "{name}" successfully removed.'

    def told_taken(self, name):
        return (f"lvcreate '{self.group()}/{name}' error:   Logical Volume \"{name}\" already exists in volume group "
                f'"{self.group()}"')

    def told_missing(self, name):
        return f"lvremove '{self.group()}/{name}' error:   Failed to find logical volume \"{self.group()}/{name}\""

    def no_room(self, node, size):
        return f"lvcreate '{self.group()}' error:   Volume group \"{self.group()}\" has insufficient free space"


class ZfsVolumes(VolumeStorage):
    def told_taken(self, name):
        return f"zfs error: cannot create '{self.group()}/{name}': dataset already exists"

    def told_missing(self, name):
        return f"zfs error: cannot open '{self.group()}/{name}': dataset does not exist"

    def no_room(self, node, size):
        return f"zfs error: cannot create '{self.group()}': out of space"


def attach_loop(file):
    """A loop device on the file. The keeper detaches what is left of a killed fake."""
    done = run(["losetup", "-f", "--show", file])
    if done.returncode:
        raise died(f"no block device for a volume: {done.stderr.strip()}")
    return done.stdout.strip()


def make_storage(world, entry):
    kind = FileStorage if entry["type"] in FILES else ZfsVolumes if entry["type"] == "zfspool" else LogicalVolumes
    storage = kind(world, entry)
    if kind is FileStorage and "path" not in storage.entry:
        storage.entry["path"] = str(storage.root(next(iter(world.nodes))) if not storage.nodes
                                    else storage.root(storage.nodes[0]))
    storage.entry.setdefault("content", "images,rootdir")
    return storage


def form_of_file(kind, name):
    wanted = {"iso": r".*\.(?:iso|img)", "vztmpl": r".*\.(?:tar\.gz|tar\.xz|tar\.zst)", "backup": r"vzdump-.*",
              "snippets": r".*", "import": r".*\.(?:raw|qcow2|vmdk|ova|ovf)"}[kind]
    if not re.fullmatch(wanted, name):
        return None
    if kind == "import":
        return name.rpartition(".")[2]
    return {"iso": "iso", "snippets": "snippet", "vztmpl": "t" + name.rpartition(".t")[2].replace("ar.", "")}.get(
        kind, name.partition(".")[2])


def image_entry(volid, file, vmid, form):
    stat = file.stat()
    size = stat.st_size if form == "raw" else image_info(file, form).get("virtual-size", stat.st_size)
    return {"volid": volid, "content": "images", "format": form, "size": size, "used": stat.st_blocks * 512,
            "vmid": vmid, "parent": None, "ctime": int(stat.st_ctime)}


def run(command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def image_info(path, form):
    done = run(["qemu-img", "info", "-U", "--output=json", "-f", form, path])
    return json.loads(done.stdout) if done.returncode == 0 else {}


def create_image(path, form, size):
    """Makes an image; what qemu-img says about it."""
    options = {"raw": ["-o", "preallocation=off"], "qcow2": ["-o", "preallocation=metadata"]}.get(form, [])
    done = run(["qemu-img", "create", *options, "-f", form, path, f"{-(-size // 1024)}K"])
    if done.returncode:
        text = (done.stdout + done.stderr).strip()
        formatted = [line for line in text.split("\n") if line.startswith("Formatting")]
        told = [line for line in text.split("\n") if not line.startswith("Formatting")]
        error = died("unable to create image: " + " ".join(told))
        error.logged = "\n".join(formatted)
        raise error
    return done.stdout


def copy_file(source, target):
    shutil.copyfile(source, target)


def volume(world, volid):
    """(storage, name in it) of a volume id; raises as the server does."""
    storage_name, _, name = volid.partition(":")
    if storage_name not in world.storages:
        raise died(f"storage '{storage_name}' does not exist")
    return world.storages[storage_name], name


def path_of(world, node, volid):
    storage, name = volume(world, volid)
    return Path(storage.path(node, name))
