#!/usr/bin/env python3
"""A Proxmox VE that is none, for tests: README.md beside it tells what it models.

Prints one JSON line when it is ready (addresses, secrets of this run, folders) and ends with its standard input.
"""

import argparse
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import certificates
import keeper
import world as worlds
from control import Control
from injections import Injections
from landing import Landing
from server import Front
from wire import Server

CALLS = ("calls_access", "calls_care", "calls_cluster", "calls_nodes", "calls_storage", "calls_machines", "calls_config",
         "calls_power", "calls_agent", "calls_snapshots", "calls_containers", "calls_transfer", "calls_tunnel")
KEPT = ("url", "ssh", "certificate", "fingerprint")  # of a node, over a reset


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input closes")
    parser.add_argument("--world", help="a JSON file that describes the platform")
    parser.add_argument("--version", choices=("8.4", "9.1"), default="8.4")
    parser.add_argument("--state", help="a folder for all that is kept; default: a new one, removed at the end")
    parser.add_argument("--fast-401", action="store_true", help="refuse logins at once, not after 3 s")
    parser.add_argument("--tcg", action="store_true", help="start machines as if the node could: emulated, kvm or not")
    return parser.parse_args()


class Fake:
    def __init__(self, options):
        self.own_state = options.state is None
        self.state = Path(options.state or tempfile.mkdtemp(prefix="flyt-pve-")).resolve()
        self.state.mkdir(parents=True, exist_ok=True)
        self.injections = Injections()
        self.world = worlds.World(worlds.load(options.world), options.version, self.state, self.injections)
        self.world.options |= {"fast_401": options.fast_401, "tcg": options.tcg}
        self.world.authority = certificates.make_authority(self.state)
        for name in CALLS:
            importlib.import_module(name)
        self.servers = {}
        for node in self.world.nodes.values():
            context, node.certificate = certificates.context(self.world.authority, node.name)
            node.fingerprint = certificates.fingerprint(node.certificate)
            server = Server(Front(self.world, node.name), context, self.world.options)
            self.servers[node.name] = server
            node.url = f"https://127.0.0.1:{server.port}"
        self.token = self.world.access.add_token("root@pam", "mig", privsep=False)
        self.control = Control(self)
        self.landing = Landing(self.world, self.control.url)
        self.start_keeper()
        self.with_ssh = self.landing.start()

    def start_keeper(self):
        words = [sys.executable, keeper.__file__, self.landing.mark(), *([str(self.state)] if self.own_state else []),
                 *(str(node.sockets) for node in self.world.nodes.values())]
        self.keeper = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)

    def ready(self):
        first = next(iter(self.world.nodes.values()))
        root = self.world.access.users["root@pam"]
        return {"url": first.url, "fingerprint": first.fingerprint, "ca": str(self.world.authority), "node": first.name,
                "nodes": {name: {"url": node.url, "fingerprint": node.fingerprint, "ssh": node.ssh}
                          for name, node in self.world.nodes.items()},
                "root": {"user": root.name, "password": root.password}, "token": f"root@pam!mig={self.token}",
                "control": self.control.url, "state": str(self.state), "pid": os.getpid()}

    def reset(self):
        """The world as it was at the start; addresses, keys and the token stay."""
        self.kill_machines(self.world.nodes)
        kept = {node.name: vars(node) for node in self.world.nodes.values()}
        authority = self.world.authority
        options, token = self.world.options, self.world.access.users["root@pam"].tokens["mig"]
        keeper.detach_loops(str(self.state))
        for folder in [self.state / "shared", self.state / "etc", *self.state.glob("nodes/*/storage")]:
            shutil.rmtree(folder, ignore_errors=True)
        self.injections.clear()
        mistakes = self.world.mistakes
        self.world.__init__(self.world.description, self.world.version, self.state, self.injections)
        self.world.mistakes = self.world.tasks.mistakes = mistakes
        self.world.options, self.world.authority = options, authority
        self.world.access.users["root@pam"].tokens["mig"] = token
        for name, found in kept.items():
            vars(self.world.nodes[name]).update({key: found[key] for key in KEPT})

    def kill_machines(self, nodes):
        for machine in list(self.world.machines.values()):
            if machine.running and machine.node in nodes:
                machine.process.kill()

    def lose(self, node):
        """Power is gone: connections break, machines and workers end."""
        self.servers[node.name].drop()
        if self.with_ssh:
            self.landing.stop(node)
        self.kill_machines([node.name])
        for task in self.world.tasks.running():
            if task.node == node.name:
                self.world.tasks.finish(task, "unexpected status")

    def set_online(self, node, online):
        node.online = self.servers[node.name].online = online
        if online and self.with_ssh:
            self.landing.again(node)

    def close(self):
        for server in self.servers.values():
            server.close()
        self.kill_machines(self.world.nodes)
        self.landing.close()
        keeper.detach_loops(str(self.state))
        for node in self.world.nodes.values():
            shutil.rmtree(node.sockets, ignore_errors=True)
        if self.own_state:
            shutil.rmtree(self.state, ignore_errors=True)
        self.keeper.stdin.close()
        self.keeper.wait()


def wait_for_end(with_stdin):
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: end.set())
    if with_stdin:
        def watch():
            while os.read(0, 4096):
                pass
            end.set()
        threading.Thread(target=watch, daemon=True).start()
    end.wait()


def main():
    options = arguments()
    fake = Fake(options)
    print(json.dumps(fake.ready()), flush=True)
    wait_for_end(options.exit_with_stdin)
    fake.close()
    sys.stdout.flush()
    os._exit(1 if fake.world.mistakes else 0)  # threads that wait for a connection do not hold us


if __name__ == "__main__":
    main()
