"""Disks of machines: made anew, imported, given firmware, taken away."""

import math
import os
import re
import subprocess
import tarfile
import time
from pathlib import Path

import storage as storages
from faults import ApiError, died
from tasks import Interrupted
from vm import is_cdrom, parse_drive, size_text, write_drive

NEW = re.compile(r"([^:/\s]+):(\d+(?:\.\d+)?)")
FIRMWARE = Path(os.environ.get("FLYT_OVMF", "/usr/share/OVMF"))
CLOUDINIT_BYTES, TPM_BYTES = 4 << 20, 4 << 20


def firmware_variables(drive):
    """The template of the variables that an EFI disk starts with."""
    if drive.get("efitype", "2m") == "2m":
        return FIRMWARE / "OVMF_VARS.fd"
    return FIRMWARE / ("OVMF_VARS_4M.ms.fd" if drive.get("pre-enrolled-keys") == "1" else "OVMF_VARS_4M.fd")


class Maker:
    """Makes the disks that a request names, and knows what to take away again when it fails."""

    def __init__(self, world, node, vmid, task):
        self.world, self.node, self.vmid, self.task = world, node, vmid, task
        self.made = []

    def make(self, settings, working=None):
        """{key: text} as asked for -> as it stands in the configuration."""
        done = {}
        try:
            for key in sorted(settings):
                done[key] = self.one(key, parse_drive(settings[key]), working)
        except (ApiError, Interrupted):
            self.undo()
            raise
        return done

    def undo(self):
        for volid in self.made:
            storage, name = storages.volume(self.world, volid)
            storage.free(self.node, name)

    def one(self, key, drive, working):
        if drive["file"] in ("none", "cdrom"):
            return write_drive(drive)
        new = NEW.fullmatch(drive["file"])
        if re.fullmatch(r"[^:/]+:cloudinit", drive["file"]):
            text = self.cloudinit(drive)
        elif "import-from" in drive:
            text = self.imported(key, new[1], drive, working)
        elif new:
            text = self.fresh(key, new, drive)
        else:
            return self.existing(drive)
        self.task.log(f"{key}: successfully created disk '{text}'")
        return text

    def alloc(self, name, form, size, purpose=None):
        storage = storages.volume(self.world, f"{name}:")[0]
        file = storage.free_name(self.node, self.vmid, form, purpose) if purpose else None
        try:
            volid = storage.alloc(self.node, self.vmid, form, file, size, self.log)
        except ApiError as error:
            self.log(getattr(error, "logged", ""))
            raise
        self.made.append(volid)
        return volid

    def log(self, text):
        if text:
            self.task.log(text)

    def cloudinit(self, drive):
        name = drive["file"].partition(":")[0]
        form = drive.pop("format", None) or ("qcow2" if self.takes(name, "qcow2") else "raw")
        drive["file"] = self.alloc(name, form, CLOUDINIT_BYTES, "cloudinit")
        return write_drive(drive | {"media": "cdrom"})

    def takes(self, name, form):
        return form in storages.volume(self.world, f"{name}:")[0].forms

    def form_on(self, name, wished):
        storage = storages.volume(self.world, f"{name}:")[0]
        return wished if wished in storage.forms else storage.default_form

    def fresh(self, key, new, drive):
        form = self.form_on(new[1], drive.pop("format", None))
        if key == "efidisk0":
            template = firmware_variables(drive)
            size = template.stat().st_size
            drive["file"] = self.alloc(new[1], form, size)
            self.convert(template, "raw", drive["file"], form, size)
        elif key == "tpmstate0":
            size = TPM_BYTES
            drive["file"] = self.alloc(new[1], "raw", size)
        else:
            size = math.ceil(float(new[2]) * (1 << 20)) << 10  # whole KiB
            drive["file"] = self.alloc(new[1], form, size)
        return write_drive(drive | {"size": size_text(size)})

    def imported(self, key, target, drive, working):
        source = drive.pop("import-from")
        extracted = None
        if not source.startswith("/"):
            storage, name = storages.volume(self.world, source)
            volume = storage.parse(name)
            if volume.inner:
                extracted = self.extract(source, storage, name, volume, working)
                source, volume = extracted, storages.volume(self.world, extracted)[0].parse(
                    extracted.partition(":")[2])
            path, source_form = storages.path_of(self.world, self.node, source), volume.form
            if path.exists():
                self.task.log(f"create full clone of drive ({source})")
        else:
            path = Path(source)
            source_form = path.suffix[1:] if path.suffix[1:] in storages.IMAGE_FORMATS else "raw"
        if not path.exists():
            raise died(f"failed to stat '{path}'")
        size = storages.image_info(path, source_form).get("virtual-size")
        if size is None:
            raise died(f"volume_size_info on '{source}' failed - no format")
        form = self.form_on(target, drive.pop("format", None) or source_form)
        drive["file"] = self.alloc(target, form, -(-size // 1024) * 1024)
        self.convert(path, source_form, drive["file"], form, size)
        if extracted:
            storage, name = storages.volume(self.world, extracted)
            storage.free(self.node, name)
            self.made.remove(extracted)
            self.task.log(f"cleaned up extracted image {extracted}")
        return write_drive(drive | {"size": size_text(size)})

    def extract(self, source, storage, name, volume, working):
        """A disk out of an OVA, as an image of the machine."""
        target = self.world.storages[working] if working else storage
        self.task.log(f"extracting {source}")
        with tarfile.open(storage.path(self.node, name)) as archive:
            try:
                member = archive.getmember(volume.inner)
            except KeyError as error:
                raise died(f"file '{volume.inner}' not found in archive") from error
            form = volume.form.partition("+")[2]
            volid = self.alloc(target.name, form, 1 << 20)
            final = storages.path_of(self.world, self.node, volid)
            folder = final.parent / f"tmp_{self.task.pid}_{self.vmid}"
            folder.mkdir()
            with archive.extractfile(member) as inside, open(folder / volume.inner, "wb") as out:
                while piece := inside.read(1 << 20):
                    out.write(piece)
                    self.task.check()
        self.task.log(f"renaming {folder / volume.inner} to {final}")
        os.replace(folder / volume.inner, final)
        folder.rmdir()
        self.task.log(f"finished extracting to {volid}")
        return volid

    def existing(self, drive):
        storage, name = storages.volume(self.world, drive["file"])
        path = storage.path(self.node, name)
        if not path.exists():
            raise died(f"volume '{drive['file']}' does not exist")
        if not is_cdrom(drive):
            size = storages.image_info(path, storage.parse(name).form).get("virtual-size", path.stat().st_size)
            drive["size"] = size_text(size)
        return write_drive(drive)

    def slow_down(self):
        """A copy that takes its time, where a test asks for one."""
        until = time.monotonic() + self.world.options.get("convert_seconds", 0)
        while time.monotonic() < until:
            self.task.check()
            time.sleep(0.05)

    def convert(self, source, source_form, volid, form, size):
        self.slow_down()
        convert(self.task, source, source_form, storages.path_of(self.world, self.node, volid), form, size)


def convert(task, source, source_form, target, form, size):
    """qemu-img convert into an image that is there, with the server's lines of progress."""
    command = ["qemu-img", "convert", "-p", "-n", "-f", source_form, "-O", form, str(source), str(target)]
    task.log(progress(0, size))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        text, last = b"", "0"
        try:
            while piece := child.stdout.read1(4096):
                task.check()
                text += piece
                for found in re.findall(rb"\((\d+\.\d+)/100%\)\r", text):
                    if float(found) >= float(last) + 3 or (float(found) == 100 and last != "100.00"):
                        last = found.decode()
                        task.log(progress(size * float(last) / 100, size, last))
                text = text[text.rfind(b"\r") + 1:]
        except Interrupted:
            child.kill()
            raise
    if child.returncode:
        told = text.decode(errors="replace").strip().split("\n")[-1]
        task.log(told)
        raise died(f"copy failed: command '/usr/bin/qemu-img convert -p -n -f {source_form} -O {form} {source} {target}' "
                   f"failed: exit code {child.returncode}")
    task.log(progress(size, size, "100.00"))


def progress(done, size, percent=None):
    percent = percent or f"{100 * done / size if size else 0:.2f}"
    return f"transferred {human(done)} of {human(size)} ({percent}%)"


def human(count):
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while count >= 1024 and len(units) > 1:
        count /= 1024
        units.pop(0)
    return f"{count:.1f} {units[0]}"


def owned_by(world, volid, vmid):
    storage, name = storages.volume(world, volid)
    try:
        return storage.parse(name).vmid == vmid
    except ApiError:
        return False


def remove(world, node, volid, log=lambda text: None):
    storage, name = storages.volume(world, volid)
    storage.free(node, name, log)


