"""What of the recordings a fake cannot answer the same, and why; and what happened between the recorded exchanges."""

import time
import urllib.parse

HARDWARE = "the recorded host's processor, kernel and control groups"
EARLIER = "tasks of earlier runs of the recorder are counted"
AGENT = "the recorded guest runs an agent; none is booted here, since that takes minutes without KVM"
MIGRATION = "outgoing remote migration is not modelled"

EXCEPTIONS = {
    "029": HARDWARE, "030": HARDWARE,
    "161": EARLIER, "192": EARLIER,
    "272": AGENT, "273": AGENT, "274": AGENT, "275": AGENT, "276": AGENT, "277": AGENT, "278": AGENT,
    "345": "the warnings of the server's language, which it gives for a volume that is gone",
    "370": MIGRATION, "371": MIGRATION, "372": MIGRATION,
    "395": "recorded before the status daemon had heard of machine 160",
    "401": "recorded before the status daemon had heard of the machine",
}
NO_BODY = {}


def start_afresh(replay):
    """The recorder began anew here, with the machines and images of before gone."""
    for volid in ("local:900/vm-900-disk-0.qcow2", "local:900/other-disk.qcow2"):
        replay.fake.call("DELETE", f"/nodes/pve1/storage/local/content/{urllib.parse.quote(volid, safe='')}?delay=5")


def make_copies_slow(replay):
    """The recorded copy took 40 s, the server's patience 30 s and the lock's 10 s: the same in small."""
    replay.fake.control("POST", "/options", {"proxy_seconds": 1, "lock_seconds": 0.3, "convert_seconds": 4})


def wait_for_copy(replay):
    for _ in range(200):
        if "scsi3" in replay.fake.call("GET", "/nodes/pve1/qemu/161/config")[2]["data"]:
            break
        time.sleep(0.1)
    replay.fake.control("POST", "/options", {"proxy_seconds": 30, "lock_seconds": 10, "convert_seconds": 0})


def leave_machine(replay):
    """The recorded migration, which failed, had opened a tunnel to its own node and left machine 150 there."""
    replay.fake.call("POST", "/nodes/pve1/qemu/150/mtunnel", "storages=local&bridges=vmbr0")


BEFORE = {"374": leave_machine, "100": start_afresh, "421": make_copies_slow, "424": wait_for_copy}
