"""QEMU's command line of a configuration: devices, slots and boot order as the server gives them.

Slots are those of the server (net0 is ens18 in a guest). Left out: the USB tablet (its polling costs much without KVM)
and graphics output.
"""

import base64
import re
import shutil
from pathlib import Path

import storage as storages
from disks import FIRMWARE
from faults import died
from vm import is_cdrom, memory_of, parse_drive

BRIDGES = {"pc": [("pci.1", 1, "0x1e"), ("pci.2", 2, "0x1f"), ("pci.3", 3, "0x4")], "q35": []}
FEATURES = {"x86-64-v2": "+popcnt,+pni,+sse4.1,+sse4.2,+ssse3",
            "x86-64-v2-AES": "+aes,+popcnt,+pni,+sse4.1,+sse4.2,+ssse3",
            "x86-64-v3": "+abm,+aes,+avx,+avx2,+bmi1,+bmi2,+f16c,+fma,+movbe,+popcnt,+pni,+sse4.1,+sse4.2,+ssse3,+xsave"}
NICS = {"virtio": "virtio-net-pci"}
SCSI = {"lsi": "lsi", "lsi53c810": "lsi53c810", "virtio-scsi-pci": "virtio-scsi-pci", "megasas": "megasas",
        "pvscsi": "pvscsi", "virtio-scsi-single": "virtio-scsi-pci"}
CACHE = {"none": "none", "writethrough": "writethrough", "writeback": "writeback", "unsafe": "unsafe",
         "directsync": "directsync"}


class Builder:
    def __init__(self, machine, config, folder, task):
        self.machine, self.config, self.folder, self.task = machine, config, folder, task
        self.world, self.node, self.vmid = machine.world, machine.node, machine.vmid
        self.kind = (config.get("machine") or "pc").partition(",")[0].removeprefix("type=")
        self.q35 = self.kind.startswith(("q35", "pc-q35"))
        self.args = []
        order = re.match(r"order=(.*)", config.get("boot", ""))
        self.order = [key for key in order[1].split(";") if key] if order else []

    def add(self, *words):
        self.args += [str(word) for word in words]

    def build(self):
        self.basics()
        self.firmware()
        self.identity()
        self.buses()
        self.serials()
        self.agent()
        self.tpm()
        for key, drive in self.machine.drives(self.config).items():
            if key not in ("efidisk0", "tpmstate0"):
                self.drive(key, drive)
        for key in sorted(self.config):
            if re.fullmatch(r"net\d+", key):
                self.nic(key)
        if "args" in self.config:
            self.add(*self.config["args"].split())
        return ["qemu-system-x86_64", *self.args]

    def basics(self):
        config = self.config
        name = config.get("name", f"vm{self.vmid}")
        self.add("-name", f"{name},debug-threads=on", "-display", "none", "-nodefaults")
        self.add("-chardev", f"socket,id=qmp,path={self.folder / f'{self.vmid}.qmp'},server=on,wait=off",
                 "-mon", "chardev=qmp,mode=control")
        # The server's QEMU is newer than the one here may be: its versions of a machine are the newest one here.
        kind = re.sub(r"^pc-(?:i440fx|(q35))-(?:8|9|1\d)\..*", lambda found: found[1] or "pc", self.kind)
        kind = re.sub(r"\+pve\d+$|\.pxe$", "", kind)
        smm = ",smm=on" if self.secure() and self.q35 else ""
        screen = ",graphics=off" if self.config.get("vga", "").startswith(("serial", "none")) else ""
        self.add("-machine", f"type={kind}{smm}{screen}", "-accel", "tcg")
        cores, sockets = int(config.get("cores", 1)), int(config.get("sockets", 1))
        self.add("-smp", f"{config.get('vcpus', cores * sockets)},sockets={sockets},cores={cores},"
                         f"maxcpus={cores * sockets}")
        self.add("-m", memory_of(config))
        self.add("-cpu", self.cpu())
        self.add("-boot", "menu=on,strict=on,reboot-timeout=1000")
        if config.get("ostype", "").startswith("w") or config.get("localtime") == "1":
            self.add("-rtc", "base=localtime,driftfix=slew")
        if config.get("acpi") == "0":
            self.add("-no-acpi")

    def cpu(self):
        text = self.config.get("cpu", "kvm64").removeprefix("cputype=")
        kind, _, rest = text.partition(",")
        flags = [part[6:].replace(";", ",") for part in rest.split(",") if part.startswith("flags=")]
        if kind == "kvm64":
            kind = "qemu64"  # what the server takes without KVM
        if kind == "host" and self.world.options["tcg"]:
            kind = "max"
        if kind in FEATURES:
            kind = f"qemu64,{FEATURES[kind]}"
        return ",".join([kind, *flags])

    def secure(self):
        efi = parse_drive(self.config.get("efidisk0", "none"))
        return self.config.get("bios") == "ovmf" and efi.get("pre-enrolled-keys") == "1"

    def firmware(self):
        if self.config.get("bios", "seabios") != "ovmf":
            return
        efi = parse_drive(self.config["efidisk0"]) if "efidisk0" in self.config else None
        big = not efi or efi.get("efitype") == "4m"
        code = "OVMF_CODE" + ("_4M" if big else "") + (".secboot" if self.secure() and self.q35 else "") + ".fd"
        if efi:
            path, form = self.volume(efi)
        else:
            self.task.log("WARN: no efidisk configured! Using temporary efivars disk.")
            path, form = self.folder / f"{self.vmid}.efivars", "raw"
            shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", path)
        self.add("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE / code}")
        self.add("-drive", f"if=pflash,unit=1,id=drive-efidisk0,format={form},file={path}")

    def identity(self):
        words = ["type=1"]
        for part in self.config.get("smbios1", "").split(","):
            key, _, value = part.partition("=")
            if key == "uuid" or (value and key != "base64"):
                if "base64=1" in self.config["smbios1"] and key != "uuid":
                    value = base64.b64decode(value).decode(errors="replace")
                words.append(f"{key}={value.replace(',', ',,')}")
        self.add("-smbios", ",".join(words))
        if self.config.get("vmgenid", "0") not in ("0", "1"):
            self.add("-device", f"vmgenid,guid={self.config['vmgenid']}")

    def buses(self):
        if self.q35:
            self.add("-device", "i82801b11-bridge,id=pcidmi,bus=pcie.0,addr=0x1e")
            for number in range(4):
                self.add("-device", f"pci-bridge,id=pci.{number},bus=pcidmi,addr={number + 1},chassis_nr={number + 1}")
        else:
            for name, chassis, slot in BRIDGES["pc"]:
                self.add("-device", f"pci-bridge,id={name},bus=pci.0,addr={slot},chassis_nr={chassis}")
        kind = self.config.get("vga", "std").removeprefix("type=").partition(",")[0]
        model = {"std": "VGA", "cirrus": "cirrus-vga", "vmware": "vmware-svga", "virtio": "virtio-vga",
                 "qxl": "VGA"}.get(kind)
        if model:
            self.add("-device", f"{model},id=vga,bus={'pcie.0' if self.q35 else 'pci.0'},addr=0x2")
        if self.config.get("balloon") != "0":
            self.add("-device", "virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x3")
        drives = self.machine.drives(self.config)
        scsi = self.config.get("scsihw", "lsi")
        if scsi != "virtio-scsi-single" and any(key.startswith("scsi") for key in drives):
            self.add("-device", f"{SCSI[scsi]},id=scsihw0,bus=pci.0,addr=0x5")
        if any(key.startswith("sata") for key in drives):
            self.add("-device", "ahci,id=ahci0,multifunction=on,bus=pci.0,addr=0x7")

    def serials(self):
        for number in range(4):
            if f"serial{number}" in self.config:
                path = self.folder / f"{self.vmid}.serial{number}"
                keep = self.world.nodes[self.node].folder / f"{self.vmid}.console{number or ''}"
                self.add("-chardev", f"socket,id=serial{number},path={path},server=on,wait=off,logfile={keep},"
                                     "logappend=on", "-device", f"isa-serial,chardev=serial{number}")

    def agent(self):
        if re.match(r"(enabled=)?1", self.config.get("agent", "0")):
            path = self.folder / f"{self.vmid}.qga"
            self.add("-chardev", f"socket,path={path},server=on,wait=off,id=qga0",
                     "-device", "virtio-serial,id=qga0,bus=pci.0,addr=0x8",
                     "-device", "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0")

    def tpm(self):
        if "tpmstate0" not in self.config:
            return
        if not shutil.which("swtpm"):
            self.task.log("WARN: without swtpm the fake gives no TPM to its machines")
            return
        self.add("-chardev", f"socket,id=tpmchar,path={self.folder / f'{self.vmid}.swtpm'}",
                 "-tpmdev", "emulator,id=tpmdev,chardev=tpmchar", "-device", "tpm-tis,tpmdev=tpmdev")

    def volume(self, drive):
        """(path, format) of a drive's volume."""
        if drive["file"].startswith("/"):
            return Path(drive["file"]), drive.get("format", "raw")
        storage, name = storages.volume(self.world, drive["file"])
        path = storage.path(self.node, name)
        if not path.exists():
            raise died(f"volume '{drive['file']}' does not exist")
        parsed = storage.parse(name)
        return path, parsed.form if parsed.form in storages.IMAGE_FORMATS else "raw"

    def index(self, key):
        return f",bootindex={100 + self.order.index(key)}" if key in self.order else ""

    def drive(self, key, drive):
        bus, number = re.match(r"([a-z]+)(\d+)", key).groups()
        number = int(number)
        cdrom = is_cdrom(drive)
        text = f"if=none,id=drive-{key}" + (",media=cdrom" if cdrom else "")
        if drive["file"] not in ("none", "cdrom"):
            path, form = self.volume(drive)
            text += f",file={path},format={form}"
        if not cdrom:
            text += f",cache={CACHE[drive.get('cache', 'none')]},aio=threads"
            text += ",discard=on,detect-zeroes=unmap" if drive.get("discard") == "on" else ",detect-zeroes=on"
        self.add("-drive", text)
        device = {"scsi": self.scsi, "ide": self.ide, "sata": self.sata, "virtio": self.virtio}[bus]
        rate = ",rotation_rate=1" if drive.get("ssd") == "1" and bus != "virtio" else ""
        serial = f",serial={drive['serial']}" if "serial" in drive else ""
        self.add("-device", f"{device(number, cdrom, drive)},drive=drive-{key},id={key}{rate}{serial}{self.index(key)}")

    def scsi(self, number, cdrom, drive):
        kind = "scsi-cd" if cdrom else "scsi-hd"
        controller = self.config.get("scsihw", "lsi")
        if controller != "virtio-scsi-single":
            target = f"channel=0,scsi-id=0,lun={number}" if controller == "virtio-scsi-pci" else f"scsi-id={number}"
            return f"{kind},bus=scsihw0.0,{target}"
        thread = ""
        if drive.get("iothread") == "1":
            self.add("-object", f"iothread,id=iothread-virtioscsi{number}")
            thread = f",iothread=iothread-virtioscsi{number}"
        self.add("-device", f"virtio-scsi-pci,id=virtioscsi{number},bus=pci.3,addr={number + 1:#x}{thread}")
        return f"{kind},bus=virtioscsi{number}.0,channel=0,scsi-id=0,lun={number}"

    def ide(self, number, cdrom, _):
        bus, unit = (number, 0) if self.q35 else divmod(number, 2)
        return f"{'ide-cd' if cdrom else 'ide-hd'},bus=ide.{bus},unit={unit}"

    @staticmethod
    def sata(number, cdrom, _):
        return f"{'ide-cd' if cdrom else 'ide-hd'},bus=ahci0.{number}"

    def virtio(self, number, _, drive):
        thread = ""
        if drive.get("iothread") == "1":
            self.add("-object", f"iothread,id=iothread-virtio{number}")
            thread = f",iothread=iothread-virtio{number}"
        slot = f"bus=pci.0,addr={0xa + number:#x}" if number < 6 else f"bus=pci.2,addr={number - 5:#x}"
        return f"virtio-blk-pci,{slot}{thread}"

    def nic(self, key):
        number = int(key[3:])
        values = dict(part.partition("=")[::2] for part in self.config[key].split(","))
        model = values.get("model") or next(iter(values))
        mac = values.get("macaddr") or values.get(model)
        slot = f"bus=pci.0,addr={0x12 + number:#x}" if number < 6 else f"bus=pci.1,addr={number - 5:#x}"
        down = ",restrict=on" if values.get("link_down") == "1" else ""
        self.add("-netdev", f"user,id={key}{down}")
        self.add("-device", f"{NICS.get(model, model)},mac={mac},netdev={key},{slot},id={key}{self.index(key)}")


def build(machine, config, folder, task):
    return Builder(machine, config, folder, task).build()


def tpm(machine, config, folder, task):
    """The command line of the machine's TPM; None: it has none."""
    if "tpmstate0" not in config or not shutil.which("swtpm"):
        return None
    drive = parse_drive(config["tpmstate0"])
    path, _ = Builder(machine, config, folder, task).volume(drive)
    second = [] if drive.get("version", "v1.2") == "v1.2" else ["--tpm2"]
    return ["swtpm", "socket", *second, "--terminate", "--tpmstate", f"backend-uri=file://{path},mode=0600",
            "--ctrl", f"type=unixio,path={folder / f'{machine.vmid}.swtpm'},mode=0600"]
