"""The endpoints that the fake answers and their parameters, of one version, from tables/VERSION.json.

A table holds facts (names, types, limits, privileges): `shared` are the parameters that several endpoints have
the same, `endpoints` name those by `shared` and hold the rest in `own`.
"""

import json
import re
from pathlib import Path

# How many there are of each numbered option: scsi0 to scsi30.
COUNTS = {"scsi": 31, "ide": 4, "sata": 6, "virtio": 16, "net": 32, "serial": 4, "unused": 256, "usb": 14,
          "hostpci": 16, "parallel": 3, "numa": 8, "ipconfig": 32, "virtiofs": 10, "dev": 256, "mp": 256}


class Endpoint:
    def __init__(self, name, table, shared):
        self.method, self.path = name.split(" ")
        self.params = {key: shared[key] for key in table["shared"].split()} | table["own"]
        self.check = table.get("check")
        self.world = table.get("user") == "world"
        self.protected = bool(table.get("protected"))
        self.proxied = table.get("proxyto") == "node"
        self.pattern = [(part[1:-1], None) if part.startswith("{") else (None, part)
                        for part in self.path.strip("/").split("/")]

    def match(self, parts):
        """The parameters in the path, or None when it is another path."""
        if len(parts) != len(self.pattern):
            return None
        found = {}
        for (key, text), part in zip(self.pattern, parts):
            if key:
                found[key] = part
            elif text != part:
                return None
        return found

    def find(self, name):
        """The parameter's description, numbered ones included; None: there is none."""
        if name in self.params and "[n]" not in name:
            return self.params[name]
        numbered = re.fullmatch(r"([a-z]+)(0|[1-9]\d*)", name)
        if numbered and int(numbered[2]) < COUNTS.get(numbered[1], 0):
            return self.params.get(f"{numbered[1]}[n]")
        return None


class Table:
    def __init__(self, version):
        self.version = version
        text = json.loads((Path(__file__).parent / "tables" / f"{version}.json").read_text())
        self.endpoints = [Endpoint(name, table, text["shared"]) for name, table in text["endpoints"].items()]

    def route(self, method, path):
        """(endpoint, parameters of the path); (None, None): no such call."""
        parts = [part for part in path.split("/") if part]
        if len(parts) > 6 and parts[4:5] == ["content"]:
            parts[5:] = ["/".join(parts[5:])]
        plain_first = sorted((e for e in self.endpoints if e.method == method),
                             key=lambda e: [key is not None for key, _ in e.pattern])
        for endpoint in plain_first:
            found = endpoint.match(parts)
            if found is not None:
                return endpoint, found
        return None, None

    def get(self, name):
        method, path = name.split(" ")
        return next((e for e in self.endpoints if e.method == method and e.path == path), None)
