"""Which privilege each option of a machine's configuration asks for, and the checks of storages and bridges."""

import re

import storage as storages
from faults import bad, denied, died
from vm import DRIVES, is_cdrom, is_cloudinit, parse_drive

OPTIONS = {
    "VM.Config.CPU": "cores cpu cpulimit cpuunits numa smp sockets vcpus",
    "VM.Config.Memory": "memory balloon shares",
    "VM.Config.HWType": "acpi hotplug kvm machine scsihw smbios1 tablet vga watchdog audio0",
    "VM.Config.Options": "agent autostart bios description keyboard localtime migrate_downtime migrate_speed name onboot "
                         "ostype protection reboot startdate startup tdf template tags",
    "VM.PowerMgmt": "freeze",
    "VM.Config.Disk": "boot bootdisk vmstatestorage",
    "VM.Config.Cloudinit": "cicustom cipassword citype ciuser ciupgrade nameserver searchdomain sshkeys",
}
NEEDS = {option: privilege for privilege, options in OPTIONS.items() for option in options.split()}


def machine_may(ask, vmid, pool, *wanted, any_of=False):
    """On the machine, or on the pool that it is put into."""
    access = ask.world.access
    if pool and access.may(ask.caller, f"/pool/{pool}", wanted, any_of):
        return
    access.demand(ask.caller, f"/vms/{vmid}", wanted, any_of)


def check_options(ask, vmid, pool, names):
    """Raises where the caller may not set one of the options: some are for root alone, whatever his token may."""
    if ask.caller.is_root:
        return
    for name in names:
        if DRIVES.fullmatch(name) or name == "cdrom" or re.fullmatch(r"(unused|serial|usb|hostpci)\d+", name):
            continue
        if re.fullmatch(r"net\d+", name):
            machine_may(ask, vmid, pool, "VM.Config.Network")
        elif re.fullmatch(r"numa\d+", name):
            machine_may(ask, vmid, pool, "VM.Config.CPU")
        elif NEEDS.get(name) == "VM.Config.Cloudinit" or re.fullmatch(r"ipconfig\d+", name):
            machine_may(ask, vmid, pool, "VM.Config.Cloudinit", "VM.Config.Network", any_of=True)
        elif name in NEEDS:
            if name == "startup":
                ask.demand("/", "Sys.Modify")
            machine_may(ask, vmid, pool, NEEDS[name])
        else:
            raise died(f"only root can set '{name}' config")


def check_devices(ask, vmid, pool, values):
    """Serial ports, USB and PCI devices: those of the host are for root alone."""
    if ask.caller.is_root:
        return
    for name, value in values.items():
        if re.fullmatch(r"serial\d+", name):
            if value != "socket":
                raise died(f"only root can set '{name}' config for real devices")
            machine_may(ask, vmid, pool, "VM.Config.HWType")
        elif re.fullmatch(r"usb\d+", name):
            machine_may(ask, vmid, pool, "VM.Config.HWType")
            if not re.search(r"spice|mapping=", value):
                raise died(f"only root can set '{name}' config for real devices")
        elif re.fullmatch(r"hostpci\d+", name):
            machine_may(ask, vmid, pool, "VM.Config.HWType")
            if "mapping=" not in value:
                raise died(f"only root can set '{name}' config for non-mapped devices")


def check_bridges(ask, values):
    for name, value in values.items():
        if re.fullmatch(r"net\d+", name):
            parts = dict(part.partition("=")[::2] for part in value.split(","))
            if parts.get("bridge"):
                check_bridge(ask, parts["bridge"], parts.get("tag"))


def check_bridge(ask, bridge, tag=None):
    path = f"/sdn/zones/{ask.world.zone_of(bridge)}/{bridge}"
    if not ask.may(path, "SDN.Use") and not (tag and ask.may(f"{path}/{tag}", "SDN.Use")):
        raise denied(f"{path}/{tag}" if tag else path, "SDN.Use")


def check_storages(ask, vmid, values):
    """Whether the caller may put or find the drives' volumes where they are asked for."""
    for name, value in values.items():
        if not DRIVES.fullmatch(name):
            continue
        drive = parse_drive(value)
        if drive["file"] in ("none", "cdrom"):
            if drive["file"] == "cdrom":
                ask.demand("/", "Sys.Console")
            continue
        if drive["file"].startswith("/"):
            demand_root_path(ask)
            continue
        storage, rest = storages.volume(ask.world, drive["file"])
        demand_on_node(ask, storage)
        if re.fullmatch(r"\d+(\.\d+)?|cloudinit", rest):
            ask.demand(f"/storage/{storage.name}", "Datastore.AllocateSpace")
            if "images" not in storage.content:
                raise died(f"storage '{storage.name}' does not support vm images")
        elif not is_cdrom(drive):
            check_volume(ask, vmid, storage, rest)
        if "import-from" in drive:
            check_source(ask, vmid, drive["import-from"])


def demand_on_node(ask, storage):
    if not storage.on(ask.node):
        raise died(f"storage '{storage.name}' is not available on node '{ask.node}'")


def demand_root_path(ask):
    if not ask.caller.is_root:
        raise died("Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 569.")


def check_source(ask, vmid, source):
    if source.startswith("/"):
        demand_root_path(ask)
        return
    storage, rest = storages.volume(ask.world, source)
    demand_on_node(ask, storage)
    check_volume(ask, vmid, storage, rest)


def check_volume(ask, vmid, storage, rest):
    """Whether the caller may use a volume that is there already."""
    volume = storage.parse(rest)
    if volume.kind == "images":
        if volume.vmid != int(vmid) and not ask.may(f"/storage/{storage.name}", "Datastore.Allocate"):
            ask.demand(f"/vms/{volume.vmid}", "VM.Clone")
    else:
        ask.demand(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True)


def check_imports(values):
    """The special form that importing asks for."""
    for name, value in values.items():
        if DRIVES.fullmatch(name):
            drive = parse_drive(value)
            if "import-from" in drive and not re.fullmatch(r"[^:/]+:0", drive["file"]):
                raise bad(**{name: "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"})
            if name == "efidisk0" and "import-from" in drive and "efitype" not in drive:
                raise bad(efidisk0="'efitype' is required when importing")


def drive_privilege(value):
    """What changing a drive asks for on the machine."""
    drive = parse_drive(value)
    if is_cloudinit(drive):
        return "VM.Config.CDROM", "VM.Config.Cloudinit"
    return ("VM.Config.CDROM",) if is_cdrom(drive) else ("VM.Config.Disk",)
