#!/usr/bin/env python3
"""True guests on the fake's node: one starts, its agent answers, its button shuts it down; with the wrong boot order,
firmware or bus none starts. Its console is reached through the API, too."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../proxmox"))
import fake_server  # noqa: E402
import replay_cli  # noqa: E402

GUESTS = fake_server.ROOT / "tests/lab/guests"
SECONDS = 600  # for a start on a machine with much else to do
RIGHT = ["--scsihw", "virtio-scsi-single", "--scsi0", "local:0,import-from=ALL,format=qcow2,iothread=1,discard=on,ssd=1", "--net0",
         "virtio=52:54:00:11:22:33,bridge=vmbr0", "--boot", "order=scsi0", "--agent", "1",
         "--smbios1", "uuid=11111111-2222-3333-4444-555555555555"]
NO_DISK = ["--scsihw", "virtio-scsi-pci", "--scsi0", "local:0,import-from=ALL", "--net0", "virtio,bridge=vmbr0", "--boot",
           "order=net0"]
WRONG_FIRMWARE = ["--bios", "ovmf", "--efidisk0", "local:1,efitype=4m,pre-enrolled-keys=0", "--scsihw", "virtio-scsi-pci",
                  "--scsi0", "local:0,import-from=ALL", "--boot", "order=scsi0"]
WRONG_BUS = ["--virtio0", "local:0,import-from=VMWARE", "--boot", "order=virtio0"]


def guest(folder, name):
    disk = os.path.join(folder, f"{name}.raw")
    subprocess.run([GUESTS / "make-guest.sh", disk, "--drivers", name], check=True, stdout=subprocess.DEVNULL)
    return disk


class Node:
    def __init__(self, fake, disks):
        self.fake, self.disks = fake, disks

    def create(self, vmid, words):
        for name, disk in self.disks.items():
            words = [word.replace(name, disk) for word in words]
        ssh = ["ssh", "-F", self.fake.ready["nodes"]["pve1"]["ssh"]["config"], "pve1"]
        subprocess.run([*ssh, "qm", "create", str(vmid), "--memory", "384", "--serial0", "socket", "--vga", "serial0", *words],
                       check=True, stdout=subprocess.DEVNULL)

    def power(self, vmid, what, fields=""):
        return self.fake.wait_for_task(self.fake.call("POST", f"/nodes/pve1/qemu/{vmid}/status/{what}", fields)[2]["data"],
                                       SECONDS)

    def says(self, vmid, *texts):
        """The first of the texts that the console says."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            told = self.fake.control("GET", f"/console?vmid={vmid}")["text"]
            for text in texts:
                if text in told:
                    return text
            time.sleep(0.5)
        raise TimeoutError(f"machine {vmid} says none of {texts}: {told[-600:]}")


def starts(node):
    node.create(100, RIGHT)
    assert node.power(100, "start") == "OK"
    reached = node.says(100, "GUEST-READY", "GUEST-FAILED", "ALERT!", "No bootable device")
    assert reached == "GUEST-READY", reached
    agent_answers(node)
    console_answers(node)
    socket_answers(node)
    state = node.fake.call("GET", "/nodes/pve1/qemu/100/status/current")[2]["data"]
    assert (state["status"], state["qmpstatus"]) == ("running", "running") and state["blockstat"]["scsi0"]["rd_bytes"] > 0
    snapshot_of_running(node)
    assert node.power(100, "shutdown", f"timeout={SECONDS}") == "OK"
    assert node.fake.call("GET", "/nodes/pve1/qemu/100/status/current")[2]["data"]["status"] == "stopped"


def agent_answers(node):
    path = "/nodes/pve1/qemu/100/agent"
    until = time.monotonic() + SECONDS
    while node.fake.call("POST", f"{path}/ping")[0] != 200 and time.monotonic() < until:
        time.sleep(0.5)
    names = node.fake.call("GET", f"{path}/get-host-name")[2]["data"]["result"]
    assert names == {"host-name": "tiny"}, names
    nets = node.fake.call("GET", f"{path}/network-get-interfaces")[2]["data"]["result"]
    found = next(one for one in nets if one["hardware-address"] == "52:54:00:11:22:33")
    assert "10.0.2.15" in [one["ip-address"] for one in found["ip-addresses"]], found


def console_answers(node):
    """The serial console by its web socket, as a browser has it."""
    given = node.fake.call("POST", "/nodes/pve1/qemu/100/termproxy")[2]["data"]
    query = urllib.parse.urlencode({"port": given["port"], "vncticket": given["ticket"]})
    client = replay_cli.Client(node.fake, (
        f"GET /api2/json/nodes/pve1/qemu/100/vncwebsocket?{query} HTTP/1.1\r\nHost: fake\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: PVEAPIToken="
        f"{node.fake.ready['token']}\r\n\r\n").encode())
    assert client.head.startswith(b"HTTP/1.1 101 "), client.head
    client.send(f"{given['user']}:{given['ticket']}\n".encode())
    assert client.receive() == b"OK"
    client.send(b"0:1:\n")
    time.sleep(1)  # the guest's shell throws away what it has not been started for
    words = b"echo console-$((40 + 2))\n"
    client.send(b"0:%d:" % len(words) + words)
    told = b""
    while b"console-42" not in told:
        told += client.receive()
    client.send(b"\x03\xe8", 8)


def socket_answers(node):
    """The same console on the node itself, by QEMU's socket at its place there."""
    ssh = ["ssh", "-F", node.fake.ready["nodes"]["pve1"]["ssh"]["config"], "pve1"]
    words = [*ssh, "socat", "UNIX-CONNECT:/run/qemu-server/100.serial0", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as session:
        session.stdin.write(b"\necho socket-$((40 + 2))\n")
        session.stdin.flush()
        told = b""
        while b"socket-42" not in told:
            piece = session.stdout.read1(4096)
            assert piece, told
            told += piece
        session.kill()


def snapshot_of_running(node):
    path = "/nodes/pve1/qemu/100/snapshot"
    assert node.fake.wait_for_task(node.fake.call("POST", path, "snapname=live")[2]["data"]) == "OK"
    assert "live" in [one["name"] for one in node.fake.call("GET", path)[2]["data"]]
    assert node.fake.wait_for_task(node.fake.call("DELETE", f"{path}/live")[2]["data"]) == "OK"


def does_not_start(vmid, words, told):
    def work(node):
        node.create(vmid, words)
        assert node.power(vmid, "start") == "OK"  # as on the server: the machine runs, whatever it finds
        reached = node.says(vmid, told, "GUEST-READY")
        assert reached == told, f"machine {vmid}: {reached}"
        assert node.power(vmid, "stop") == "OK"
    return work


def run_all(node, works):
    failed = []

    def run(work):
        try:
            work(node)
        except Exception as error:  # told by the main thread
            failed.append(f"{type(error).__name__}: {error}")
    for pair in (works[:2], works[2:]):  # two at a time
        threads = [threading.Thread(target=run, args=(work,)) for work in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return failed


def main():
    if os.getuid() != 0:
        print("needs root: a node's sshd lets root in")
        return 77
    with tempfile.TemporaryDirectory(prefix="flyt-power-", dir="/var/tmp") as folder:
        disks = {"ALL": guest(folder, "all"), "VMWARE": guest(folder, "vmware")}
        with fake_server.Fake("--fast-401", "--tcg") as fake:
            failed = run_all(Node(fake, disks), [
                starts, does_not_start(101, NO_DISK, "No bootable device"),
                does_not_start(102, WRONG_FIRMWARE, "Shell> "),
                does_not_start(103, WRONG_BUS, "ALERT!")])
    for line in failed:
        print(line)
    print(f"a guest started, answered and shut down, and three wrong ones did not start: {len(failed)} failed; exit status of "
          f"the fake {fake.exit_code}")
    return 1 if failed or fake.exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
