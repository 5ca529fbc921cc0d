#!/usr/bin/env python3
"""All recorded exchanges with a real Proxmox VE 8.4.1, sent to the fake in their order; its answers are compared.

Status line, names and order of headers, and the body are compared; times, sizes and identifiers that differ from run
to run are not. What cannot be the same is listed in EXCEPTIONS, each with its reason.
"""

import collections
import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

import fake_server
import recordings
import replay_cli
import replay_files
from replay_exceptions import BEFORE, EXCEPTIONS, NO_BODY

WORLD = {
    "storages": [{"storage": "local", "type": "dir", "content": "images,backup,vztmpl,iso,rootdir,snippets",
                  "priority": 0, "prune-backups": "keep-all=1"}],
    "bridges": [{"iface": "vmbr0", "cidr": "10.99.0.1/24"}],
    "nodes": [{"name": "pve1", "ip": "10.99.0.1"}],
}
# The recorded guest's kernel is not here; its machine starts without one.
GUEST = re.compile(r"args=-kernel\S*ttyS0")


class Replay:
    def __init__(self, fake, files, http):
        self.fake, self.files, self.http = fake, files, http
        ready = fake.ready
        self.places = recordings.Places({
            "<ROOT-PASSWORD>": ready["root"]["password"], "<USER-PASSWORD>": "user-password",
            replay_files.RECORDED_SUM: hashlib.sha256(files["disk.qcow2"].read_bytes()).hexdigest(),
            "http%3A%2F%2F10.99.0.1%3A8099": f"http%3A%2F%2F127.0.0.1%3A{http}",
            "http%3A%2F%2F10.99.0.1%3A8098": f"http%3A%2F%2F127.0.0.1%3A{http}",
            "/var/lib/vz": f"{ready['state']}/nodes/pve1/storage/local",
            "%2Fvar%2Flib%2Fvz": f"{ready['state']}/nodes/pve1/storage/local".replace("/", "%2F"),
            "/var/tmp": f"{ready['state']}/nodes/pve1/tmp",
            "host%3D10.99.0.1%2C": f"host%3D127.0.0.1%2Cport%3D{fake.port}%2C",
        })
        self.failed, self.passed, self.excepted = [], 0, 0
        self.kinds = collections.Counter()

    def run(self, exchange):
        name = f"{exchange['number']}-{exchange['name']}"
        if exchange["number"] in BEFORE:
            BEFORE[exchange["number"]](self)
        if exchange["number"] == "001":
            self.use_token("001")
        compare = {"http": self.compare, "cli": lambda one: replay_cli.command(self, one),
                   "websocket": lambda one: replay_cli.websocket(self, one)}.get(exchange["kind"])
        if not compare:
            self.use_token(exchange["number"])
            return
        reason = EXCEPTIONS.get(exchange["number"])
        self.kinds[exchange["kind"]] += 1
        found = compare(exchange)
        if exchange["number"] != "001":
            self.use_token(exchange["number"])
        if found and reason:
            self.excepted += 1
        elif found:
            self.failed.append(f"{name}: " + "\n    ".join(found[:6]))
        elif reason:
            self.failed.append(f"{name}: is the same by now, though it is excepted: {reason}")
        else:
            self.passed += 1

    def compare(self, exchange):
        if exchange["name"].endswith("task-status") or exchange["name"].endswith("task-log"):
            self.wait_for_task(exchange["request"]["path"])
        response = exchange["response"]
        data = self.fake.exchange(self.build(exchange["request"]))
        if not response["status_line"]:
            return [f"no answer became {data[:60]!r}"] if data else []
        head, _, body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        found = []
        if self.same(status) != self.same(response["status_line"]):
            found.append(f"{response['status_line']!r} became {status!r}")
        headers = [line.partition(":")[0] for line in lines]
        if headers != [key for key, _ in response["headers"]]:
            found.append(f"headers {[key for key, _ in response['headers']]} became {headers}")
        found += self.compare_values(response["headers"], lines)
        return found + self.compare_bodies(exchange, response["body"], body.decode())

    def same(self, text):
        return recordings.same_text(text, self.places.found)

    @staticmethod
    def compare_values(wanted, lines):
        got = dict(line.split(": ", 1) for line in lines)
        return [f"{key}: {value!r} became {got.get(key)!r}" for key, value in wanted
                if key in ("Connection", "Content-Type", "Server", "Cache-Control", "Pragma") and got.get(key) != value]

    def compare_bodies(self, exchange, wanted, got):
        if exchange["number"] in NO_BODY:
            return []
        if not wanted.startswith("{"):
            return [] if self.same(wanted) == self.same(got) else [f"{wanted!r} became {got!r}"]
        try:
            wanted, got = json.loads(wanted), json.loads(got)
        except ValueError:
            return [f"no JSON: {got[:80]!r}"]
        self.last = got
        self.places.learn(wanted, got)
        for content in (wanted, got):
            if recordings.is_log(content.get("data") or []):
                content.pop("total", None)
        return recordings.differences(wanted, got, self.places.found)

    def wait_for_task(self, path):
        upid = re.search(r"/tasks/([^/]+)/", self.places.put_in(path))[1]
        if "UPID%3Apve1" in upid:
            self.fake.wait_for_task(fake_server.urllib.request.unquote(upid))

    def use_token(self, number):
        """The token that the recordings make becomes ours; the fake's own one is removed before."""
        if number == "001":
            self.fake.call("DELETE", "/access/users/root@pam/token/mig")
        elif number == "009":
            self.fake.ready["token"] = f"root@pam!mig={self.places.found['<TOKEN-SECRET>']}"
        elif number == "431":
            self.places.found["<TOKEN-SECRET-3>"] = self.last["data"]["value"]
        elif number == "465":
            self.places.found["<TICKET-5>"] = self.places.found["<TICKET>"]

    def build(self, request):
        body = self.body(self.places.put_in(GUEST.sub("args=-no-user-config", request["body"])))
        head = f"{request['method']} {self.places.put_in(request['path'])} HTTP/1.1\r\n"
        for key, value in request["headers"]:
            if key.lower() == "content-length":
                value = str(len(body))
            head += f"{key}: {self.places.put_in(value)}\r\n"
        return head.encode() + b"\r\n" + body

    def body(self, text):
        """The body with the bytes that the recording only counts."""
        data = text.encode()
        repeated = re.search(rb"<(\d+) x>", data)
        if repeated:
            return data.replace(repeated[0], b"x" * int(repeated[1]))
        counted = re.search(rb"<(\d+) bytes(?: of file data)?>", data)
        if not counted:
            return data
        name = re.search(rb'filename="?([^"\r\n]+)"?\r\n', data)[1].decode()
        return data.replace(counted[0], replay_files.content(self.files, name, int(counted[1])))


def main():
    folder = fake_server.shared() / "recordings"
    with tempfile.TemporaryDirectory(prefix="flyt-replay-") as own:
        files = replay_files.make(Path(own))
        with replay_files.Web(files) as web, fake_server.Fake("--fast-401", world=WORLD, folder=own) as fake:
            fake.control("POST", "/options", {"agent_seconds": 0.2})  # no guest has an agent here
            replay = Replay(fake, files, web.port)
            exchanges = recordings.load(folder)
            for exchange in exchanges:
                replay.run(exchange)
    for line in replay.failed:
        print(f"DIFFERENT {line}")
    print(f"{replay.passed} exchanges the same, {replay.excepted} different with a reason, {len(replay.failed)} different "
          f"without; {dict(replay.kinds)}; {len(exchanges) - sum(replay.kinds.values())} of {len(exchanges)} recordings "
          "are of another kind and are tested by connections.py")
    if fake.exit_code:
        print("the fake made mistakes; they stand above")
    return 1 if replay.failed or not replay.passed or fake.exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
