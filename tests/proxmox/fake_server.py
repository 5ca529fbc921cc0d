"""Starts the fake Proxmox VE for a script, and speaks to it byte by byte."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "tests/fakes/proxmox/pve.py"


def shared():
    """The folder with what may not be in the tree; ends the script as skipped when there is none."""
    folder = Path(os.environ.get("FLYT_SHARED", "/nonexistent")) / "specs/proxmox"
    if not folder.is_dir():
        print("FLYT_SHARED names no folder with specs/proxmox: recordings and schemas of a real server are not compared")
        sys.exit(77)
    return folder


class Fake:
    """A running fake, as `with`."""

    def __init__(self, *arguments, world=None, folder=None):
        self.arguments = [str(word) for word in arguments]
        if world is not None:
            file = Path(folder) / "world.json"
            file.write_text(json.dumps(world))
            self.arguments += ["--world", str(file)]

    def __enter__(self):
        self.child = subprocess.Popen([sys.executable, str(PROGRAM), "--exit-with-stdin", *self.arguments],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.child.stdout.readline())
        self.port = int(self.ready["url"].rpartition(":")[2])
        self.context = ssl.create_default_context(cafile=self.ready["ca"])
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.exit_code = self.child.wait(60)  # 1: the fake knows of a mistake of its own

    def connect(self, seconds=60):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def exchange(self, data):
        """What comes back for these bytes until the server closes."""
        with self.connect() as sock:
            return self.send(sock, data) + rest(sock)

    @staticmethod
    def send(sock, data):
        try:
            sock.sendall(data)
        except OSError:
            pass  # it may answer and close before all has been sent
        return b""

    def control(self, method, path, content=None):
        body = json.dumps(content).encode() if content is not None else None
        request = urllib.request.Request(self.ready["control"] + path, body, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def call(self, method, path, fields="", auth=None, kind="application/x-www-form-urlencoded"):
        """(status, reason, content) of one call by the token."""
        body = fields.encode() if isinstance(fields, str) else fields
        head = (f"{method} /api2/json{path} HTTP/1.1\r\nHost: fake\r\nConnection: close\r\n"
                f"Authorization: PVEAPIToken={auth or self.ready['token']}\r\n")
        if body or method in ("POST", "PUT"):
            head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        head, _, content = self.exchange(head.encode() + b"\r\n" + body).partition(b"\r\n\r\n")
        words = head.decode().split("\r\n")[0].split(" ", 2)
        return int(words[1]), words[2], json.loads(content) if content[:1] == b"{" else content.decode()

    def wait_for_task(self, upid, seconds=120):
        """Its exit status; None: there is no such task."""
        node = upid.split(":")[1]
        path = f"/nodes/{node}/tasks/{urllib.request.quote(upid, safe='')}/status"
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status, _, content = self.call("GET", path)
            if status != 200:
                return None
            content = content["data"]
            if content["status"] == "stopped":
                return content["exitstatus"]
            time.sleep(0.05)
        raise TimeoutError(upid)


def rest(sock):
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except OSError:
        pass  # a reset ends what came, too
    return data
