"""Sites and platforms in memory, as the golden tests start from them."""

import json

MIB = 1 << 20
TODAY = ("--today", "2026-11-24")
SITE_ID = "0b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c11"

SITE = f"""\
[site]
name = "Guldborgsund"
id   = "{SITE_ID}"

[policy]
countries = ["DK", "DE"]
control   = ["EU", "EEA"]

[endpoints.old]
driver = "memory"
world  = "old"

[endpoints.new]
driver = "memory"
world  = "new"
ground = {{ country = "DK", operator = "Guldborgsund Kommune", owner = "Guldborgsund Kommune", control = ["DK"] }}

[move]
from = "old"
to   = "new"

[map.networks]
"VM Network" = "lan"

[map.storages]
"*" = "fast"

[defaults]
convert      = "none"
boot_timeout = "20 s"
"""


def changed(site, what, by):
    assert what in site, what
    return site.replace(what, by)


def disk(number, size, used=None):
    return {"id": f"disk{number}", "uuid": f"d15c0000-0000-4000-8000-00000000000{number}",
            "label": f"Hard disk {number + 1}", "size_bytes": size, "used_bytes": used or size, "bus": "scsi",
            "controller": "lsilogic", "storage": "datastore1", "format": "raw", "boots": number == 0}


def machine(number, name, disks, **more):
    return {"id": name, "uuid": f"{number:08d}-0000-4000-8000-000000000000", "name": name, "power": "off",
            "host": "esx1", "cpus": 2, "memory_bytes": 512 * MIB, "firmware": {"kind": "bios"}, "clock": "utc",
            "guest": {"family": "linux", "id": "debian12_64Guest", "name": "Debian GNU/Linux 12 (64-bit)"},
            "disks": disks, "tags": [],
            "nics": [{"id": "nic0", "mac": f"52:54:00:00:00:{number:02x}", "network": "VM Network",
                      "model": "e1000", "connected": True}]} | more


def source():
    by_files, by_export = {"read_by": "its file (it lies on a file system)"}, {"read_by": "an export (it has snapshots)"}
    machines = [machine(1, "web01", [disk(0, 8 * MIB) | by_files], tags=["pilot"]),
                machine(2, "db01", [disk(0, 4 * MIB) | by_export, disk(1, 3 * MIB) | by_files], tags=["pilot"])]
    return {"endpoint": "old", "driver": "memory", "platform": "memory", "platform_id": "old-platform",
            "machines": machines,
            "hosts": [{"id": "esx1", "name": "esx1", "cpus": 16, "memory_bytes": 64 << 30}],
            "storages": [{"id": "datastore1", "name": "datastore1", "kind": "datastore",
                          "size_bytes": 100 << 30, "free_bytes": 40 << 30}],
            "networks": [{"id": "net1", "name": "VM Network", "kind": "portgroup"}],
            "inside": {"web01": {"agent": True, "seeds": {"disk0": 1}},
                       "db01": {"agent": True, "seeds": {"disk0": 2, "disk1": 3}}}}


def target():
    return {"endpoint": "new", "driver": "memory", "platform": "memory", "platform_id": "new-platform",
            "machines": [],
            "hosts": [{"id": "kvm1", "name": "kvm1", "cpus": 8, "memory_bytes": 32 << 30,
                       "memory_free_bytes": 30 << 30, "place": {"country": "DK"}}],
            "storages": [{"id": "fast", "name": "fast", "kind": "dir", "size_bytes": 50 << 30,
                          "free_bytes": 20 << 30}],
            "networks": [{"id": "lan", "name": "lan", "kind": "bridge", "active": True}],
            "habits": {"created": {"agent": True, "boots": "debian login: "}}}


def write(seen, site=SITE, old=None, new=None):
    """Puts the site and both platforms into the transcript's folder."""
    seen.write("flyt.toml", site)
    seen.write("old/world.json", json.dumps(old or source()))
    seen.write("new/world.json", json.dumps(new or target()))
