"""sshd on the loopback for each node, private to the fake: own keys, own configuration, the node's programs first on
the PATH. `ssh -F CONFIG NODE` is root on the node."""

import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import keeper
import spawn

SSHD = "/usr/sbin/sshd"
PROGRAMS = ("qm", "pvesm", "pvesh", "pveversion", "socat")
# A node's /run is its own: QEMU's sockets lie in it, and what is locked there is not locked on this machine.
OWN_RUN = """mount -t tmpfs -o mode=755 run /run && mkdir -p /run/sshd /run/lock /run/qemu-server && \
mount --bind "$0" /run/qemu-server && exec "$@"
"""


class Landing:
    def __init__(self, world, control_url):
        self.world, self.control_url = world, control_url
        self.folder = world.state / "ssh"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.key, self.config = self.folder / "id", self.folder / "config"
        self.children = {}

    def mark(self, node=None):
        return f"FLYT_FAKE_NODE_{node.name}={self.world.state}" if node else f"FLYT_FAKE={self.world.state}"

    def start(self):
        """Whether there is an sshd to start."""
        if not os.access(SSHD, os.X_OK):
            return False
        self.own_run = can_unshare()
        if not self.own_run:
            print("no mounts here: the nodes have this machine's /run, without their machines' sockets", file=sys.stderr)
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd's own condition for a start
        make_key(self.key)
        ports = {}
        for node in self.world.nodes.values():
            ports[node.name] = free_port()
            make_key(self.host_key(node))
            self.write_programs(node)
            self.write_server(node, ports[node.name])
            self.launch(node)
            node.ssh = {"host": "127.0.0.1", "port": ports[node.name], "user": "root", "config": str(self.config),
                        "key": str(self.key), "known_hosts": str(self.folder / "known_hosts")}
        self.write_client(ports)
        for port in ports.values():
            wait_for(port)
        return True

    def host_key(self, node):
        return self.folder / f"host_{node.name}"

    def write_programs(self, node):
        target = node.folder / "bin"
        program = Path(__file__).resolve().parent / "node_program.py"
        for name in PROGRAMS:
            words = " ".join(map(shlex.quote, [sys.executable, str(program), self.control_url, node.name, name]))
            write_script(target / name, f'exec {words} "$@"')
        write_script(target / "hostname", f"echo {node.name}")
        home = node.folder / "root"
        home.mkdir(exist_ok=True)
        path = f"{target}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        write_script(self.folder / f"shell_{node.name}",
                     f"export PATH={shlex.quote(path)} HOME={shlex.quote(str(home))}\ncd \"$HOME\"\n"
                     'exec bash -c "${SSH_ORIGINAL_COMMAND:-exec bash --norc}"')

    def write_server(self, node, port):
        lines = [f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {self.host_key(node)}", "PidFile none",
                 f"AuthorizedKeysFile {self.key}.pub", "StrictModes no", "UsePAM no", "PasswordAuthentication no",
                 "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "UseDNS no", "LogLevel ERROR",
                 "MaxStartups 100", "MaxSessions 100", f"ForceCommand {self.folder / f'shell_{node.name}'}",
                 # HOME: the shell that sshd starts would read root's own .bashrc on this machine.
                 f"SetEnv {self.mark()} {self.mark(node)} HOME={node.folder / 'root'}"]
        (self.folder / f"sshd_{node.name}").write_text("\n".join(lines) + "\n")

    def write_client(self, ports):
        known, lines = [], []
        for name, port in ports.items():
            kind, key = Path(f"{self.folder / f'host_{name}'}.pub").read_text().split()[:2]
            known.append(f"{name},[127.0.0.1]:{port} {kind} {key}")
            lines += [f"Host {name}", "  HostName 127.0.0.1", f"  Port {port}", "  User root", f"  HostKeyAlias {name}",
                      f"  IdentityFile {self.key}", "  IdentitiesOnly yes", "  BatchMode yes",
                      f"  UserKnownHostsFile {self.folder / 'known_hosts'}", "  GlobalKnownHostsFile /dev/null",
                      "  StrictHostKeyChecking yes", ""]
        (self.folder / "known_hosts").write_text("\n".join(known) + "\n")
        self.config.write_text("\n".join(lines))

    def launch(self, node):
        marks = dict(mark.split("=", 1) for mark in (self.mark(), self.mark(node)))
        with open(self.folder / f"log_{node.name}", "ab") as log:
            command = [SSHD, "-D", "-e", "-f", self.folder / f"sshd_{node.name}"]
            if self.own_run:
                command = [*UNSHARE, "sh", "-c", OWN_RUN, node.sockets, *command]
            self.children[node.name] = spawn.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   env=os.environ | marks)

    def stop(self, node):
        """As a node that loses its power: sessions, and all that they started, are gone."""
        self.children[node.name].kill()
        self.children[node.name].wait()
        keeper.end(self.mark(node))

    def close(self):
        """Ends every node's sshd. Its listener writes over its own environment, so that no mark finds it."""
        for child in self.children.values():
            child.kill()
            child.wait()
        keeper.end(self.mark())

    def again(self, node):
        self.launch(node)
        wait_for(node.ssh["port"])


UNSHARE = ["unshare", "--mount", "--propagation", "private"]


def can_unshare():
    return subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "run", "/run"], capture_output=True, check=False).returncode == 0


def write_script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make_key(path):
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "fake", "-f", path], check=True)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"sshd does not listen on port {port}")
