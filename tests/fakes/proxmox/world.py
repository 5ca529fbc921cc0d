"""The whole platform's state, built from a world file (README.md tells its fields)."""

import hashlib
import json
import tempfile
import threading
import time
from pathlib import Path

import privileges
import reply_check
from access import Access, User
from storage import make_storage
from tables import Table
from tasks import Tasks
from vm import Machine

DEFAULT = {
    "nodes": [{"name": "pve1"}],
    "storages": [
        {"storage": "local", "type": "dir", "content": "images,rootdir,iso,vztmpl,backup,snippets,import"},
        {"storage": "data", "type": "dir", "content": "images,rootdir"},
    ],
    "bridges": [{"iface": "vmbr0", "vlan_aware": True}],
}
RELEASES = {"8.4": {"release": "8.4", "version": "8.4.1", "repoid": "2a5fa54a8503f96d"},
            "9.1": {"release": "9.1", "version": "9.1.3", "repoid": "7e4f2c1d9b3a5e60"}}


class Node:
    def __init__(self, world, description, number):
        self.name = description["name"]
        self.number = number
        self.ip = description.get("ip", "127.0.0.1")
        self.description = description
        self.folder = world.state / "nodes" / self.name
        self.temporary = self.folder / "tmp"
        self.started = time.time()
        self.online = True
        self.sockets = self.folder / "run"
        for folder in (self.temporary, self.sockets, self.folder / "bin"):
            folder.mkdir(parents=True, exist_ok=True)
        if len(str(self.sockets)) > 80:  # a unix socket's path has no room for more
            short = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
            self.sockets = Path(tempfile.gettempdir(), f"flyt-pve-run-{short}")
            self.sockets.mkdir(mode=0o700, exist_ok=True)
        self.url = self.ssh = self.certificate = None
        self.fingerprint = ""

    @property
    def memory(self):
        return int(self.description.get("memory", 64 << 30))

    @property
    def cpus(self):
        return int(self.description.get("cpus", 16))


class World:
    def __init__(self, description, version, state, faults):
        self.description = description
        self.version = version
        self.release = RELEASES[version]
        self.state = Path(state)
        self.faults = faults
        self.lock = threading.RLock()
        self.table = Table(version)
        self.privileges = set(privileges.every(version))
        self.access = Access(version)
        self.options = {"tcg": False, "fast_401": False}
        self.promised, self.mistakes = reply_check.load(version), []
        self.tasks = Tasks(faults, self.mistakes)
        self.nodes = {d["name"]: Node(self, d, n) for n, d in enumerate(description["nodes"], 1)}
        self.storages = {}
        self.machines, self.containers = {}, {}
        self.uploads = []
        self.authority = None
        self.tunnels, self.consoles = {}, {}
        for entry in description["storages"]:
            self.add_storage(dict(entry))
        self.bridges = [dict(bridge) for bridge in description.get("bridges", [])]
        self.zones = [dict(zone) for zone in description.get("zones", [])]
        self.vnets = [dict(vnet) for vnet in description.get("vnets", [])]
        self.ha = {}
        for entry in description.get("ha", []):
            self.ha[entry["sid"]] = dict(entry)
        self.ha_rules = [dict(rule) for rule in description.get("ha_rules", [])]
        self.ha_groups = [dict(group) for group in description.get("ha_groups", [])]
        self.backup_jobs = {job["id"]: {"type": "vzdump", "enabled": 1} | job for job in description.get("backup_jobs", [])}
        self.security_groups = dict(description.get("security_groups", {}))
        self.firewall_options = dict(description.get("firewall_options", {}))  # off where it says nothing
        self.replication = {}
        self.add_access(description)
        for entry in description.get("vms", []):
            machine = Machine(self, entry["vmid"], entry.get("node", next(iter(self.nodes))))
            machine.config = {key: str(value) for key, value in entry["config"].items()}
            self.machines[machine.vmid] = machine
            machine.save()
        for entry in description.get("containers", []):
            self.add_container(entry)

    def add_container(self, entry):
        self.containers[int(entry["vmid"])] = {
            "node": entry.get("node", next(iter(self.nodes))), "config": dict(entry["config"]),
            "snapshots": dict(entry.get("snapshots", {}))}

    def numbers(self):
        """Those that no new machine can have."""
        return {*self.machines, *self.containers}

    def add_access(self, description):
        access = self.access
        access.users["root@pam"] = User("root@pam", password=description.get("root_password", "fake-root-password"))
        for name, role in description.get("roles", {}).items():
            access.roles[name] = list(role)
        for pool, entry in description.get("pools", {}).items():
            access.pools[pool] = {"comment": entry.get("comment"), "vms": set(entry.get("vms", [])),
                                  "storages": set(entry.get("storages", []))}
        for entry in description.get("users", []):
            user = User(entry["userid"], entry.get("password", ""), groups=entry.get("groups", []))
            access.users[user.name] = user
            for token in entry.get("tokens", []):
                access.add_token(user.name, token["tokenid"], bool(token.get("privsep", 1)), token.get("expire", 0))
                if "value" in token:
                    user.tokens[token["tokenid"]]["value"] = token["value"]
        for entry in description.get("acl", []):
            access.grant(entry["path"], entry["roleid"], entry["type"], entry["ugid"], entry.get("propagate", 1))

    def add_storage(self, entry):
        storage = make_storage(self, entry)
        self.storages[storage.name] = storage
        return storage

    def nodes_of(self, storage):
        return [name for name in self.nodes if storage.on(name)]

    def vnet_names(self):
        return {vnet["vnet"] for vnet in self.vnets}

    def bridges_on(self, node):
        return [bridge for bridge in self.bridges if node in bridge.get("nodes", self.nodes)]

    def zone_of(self, bridge):
        """The zone whose privileges a bridge or a virtual network is used by."""
        return next((vnet["zone"] for vnet in self.vnets if vnet["vnet"] == bridge), "localnetwork")


def load(path):
    """The world file, with what it leaves out taken from the default world."""
    return DEFAULT | (json.loads(Path(path).read_text()) if path else {})
