"""A running machine: QEMU with the command line that its configuration asks for, and its monitor."""

import json
import socket
import subprocess
import tempfile
import threading
import time

import commandline
import spawn
from faults import died

ANSWER_SECONDS = 20


class Channel:
    """JSON lines over a unix socket: QEMU's monitor, or the guest's agent."""

    def __init__(self, path, seconds):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(seconds)
        self.sock.connect(str(path))
        self.buffer = b""

    def close(self):
        self.sock.close()

    def read(self):
        while b"\n" not in self.buffer:
            piece = self.sock.recv(65536)
            if not piece:
                raise OSError("closed")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line.replace(b"\xff", b"") or b"{}")

    def ask(self, command, arguments=None):
        message = {"execute": command} | ({"arguments": arguments} if arguments else {})
        self.sock.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self.read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise died(answer["error"].get("desc", "error"))


class Process:
    """QEMU of one machine. Files of its own lie in `folder`; it ends with us."""

    def __init__(self, machine, task):
        self.machine = machine
        self.folder = machine.world.nodes[machine.node].sockets
        self.config = machine.shown()
        self.lock = threading.Lock()
        self.started = time.time()
        self.paused = False
        command = commandline.build(machine, self.config, self.folder, task)
        self.command = command
        self.errors = tempfile.TemporaryFile()
        self.tpm = self.start_tpm(task)
        self.child = spawn.start(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        self.wait_for_monitor(task)

    def path(self, what):
        return self.folder / f"{self.machine.vmid}.{what}"

    def start_tpm(self, task):
        command = commandline.tpm(self.machine, self.config, self.folder, task)
        if not command:
            return None
        tpm = spawn.start(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        for _ in range(200):
            if self.path("swtpm").exists() or tpm.poll() is not None:
                break
            time.sleep(0.05)
        return tpm

    def wait_for_monitor(self, task):
        for _ in range(600):
            if self.child.poll() is not None:
                self.errors.seek(0)
                task.log(self.errors.read().decode(errors="replace").replace("qemu-system-x86_64:", "kvm:"))
                self.clean()
                raise died(f"start failed: QEMU exited with code {self.child.returncode}")
            try:
                self.ask("query-status")
                return
            except OSError:
                time.sleep(0.05)
        self.kill()
        raise died("start failed: the monitor does not answer")

    def alive(self):
        return self.child.poll() is None

    def ask(self, command, arguments=None):
        with self.lock:
            channel = Channel(self.path("qmp"), ANSWER_SECONDS)
            try:
                channel.read()
                channel.ask("qmp_capabilities")
                return channel.ask(command, arguments)
            finally:
                channel.close()

    def human(self, line):
        return self.ask("human-monitor-command", {"command-line": line})

    def wait(self, seconds, task=None):
        """Whether it has ended within the time."""
        until = time.monotonic() + seconds
        while self.alive() and time.monotonic() < until:
            if task:
                task.check()
            time.sleep(0.1)
        if not self.alive():
            self.clean()
        return not self.alive()

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.clean()

    def clean(self):
        if self.tpm:
            self.tpm.kill()
            self.tpm.wait()
        for what in ("qmp", "qga", "serial0", "serial1", "serial2", "serial3", "efivars", "swtpm"):
            self.path(what).unlink(missing_ok=True)

    @property
    def console(self):
        """The file that keeps all that came over serial0."""
        return self.machine.world.nodes[self.machine.node].folder / f"{self.machine.vmid}.console"

    def quit(self, task=None):
        try:
            self.ask("quit")
        except (OSError, ValueError):
            pass
        if not self.wait(10, task):
            self.kill()
