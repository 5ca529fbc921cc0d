"""Recordings of the node's programs and of web sockets, done again on the fake."""

import json
import os
import re
import struct
import subprocess
import threading
import time

import recordings


def command(replay, exchange):
    """[what differs] after running the recorded command on the node, by ssh as it was recorded."""
    argv = exchange["argv"]
    text = argv[-1] if exchange["via"] == "ssh" else " ".join(argv)
    text = replay.places.put_in(text)
    for name in ("disk.raw", "disk.qcow2"):
        text = text.replace(f"/root/www/{name}", str(replay.files[name]))
    ssh = ["ssh", "-F", replay.fake.ready["nodes"]["pve1"]["ssh"]["config"], "pve1", text]
    data = replay.files["disk.raw"].read_bytes() if exchange["name"] == "write-disk" else b""
    done = subprocess.run(ssh, input=data, capture_output=True, timeout=120, check=False)
    found = []
    if done.returncode != exchange["rc"]:
        found.append(f"exit code {exchange['rc']} became {done.returncode}")
    for stream, got in (("stdout", done.stdout.decode()), ("stderr", done.stderr.decode())):
        if same(replay, exchange[stream]) != same(replay, got):
            found.append(f"{stream}: {exchange[stream]!r} became {got!r}")
    return found


def same(replay, text):
    text = replay.same(text)
    text = re.sub(re.escape(os.path.dirname(str(replay.files["disk.raw"]))), "/root/www", text)
    text = re.sub(r"transferred .*%\)\n", "", text)
    text = re.sub(r'"digest":"[0-9a-f]{40}"', '"digest":"X"', text)
    text = re.sub(r"(active +)\d+ +\d+ +\d+ +[\d.]+%", r"\1FIGURES", text)
    return re.sub(r"running kernel: [^)]*", "running kernel: X", text)


class Client:
    """The client's side of a web socket."""

    def __init__(self, fake, head):
        self.sock = fake.connect()
        self.sock.sendall(head)
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.more()
        self.head, _, self.data = self.data.partition(b"\r\n\r\n")

    def more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise EOFError
        self.data += piece

    def send(self, data, kind=2):
        size = struct.pack(">B", 0x80 | len(data)) if len(data) < 126 else (
            b"\xfe" + struct.pack(">H", len(data)) if len(data) < 65536 else b"\xff" + struct.pack(">Q", len(data)))
        self.sock.sendall(bytes([0x80 | kind]) + size + b"\0\0\0\0" + data)

    def receive(self):
        while True:
            if len(self.data) >= 2:
                length, start = self.data[1] & 0x7f, 2
                if length == 126 and len(self.data) >= 4:
                    length, start = struct.unpack(">H", self.data[2:4])[0], 4
                if length != 126 and len(self.data) >= start + length:
                    piece, self.data = self.data[start:start + length], self.data[start + length:]
                    return piece
            self.more()


def open_socket(replay, exchange):
    request = exchange["request"]
    head = f"{request['method']} {replay.places.put_in(request['path'])} HTTP/1.1\r\n"
    head += "".join(f"{key}: {replay.places.put_in(value)}\r\n" for key, value in request["headers"]
                    if key != "Sec-WebSocket-Key") + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    return Client(replay.fake, head.encode())


def websocket(replay, exchange):
    """[what differs] in a conversation over a web socket. The stream of a disk is sent while its commands go on."""
    if exchange["name"] == "mtunnelwebsocket-disk-stream":
        replay.stream = exchange  # its ticket comes with the commands, which are recorded after it
        return []
    client = open_socket(replay, exchange)
    status, *lines = client.head.decode().split("\r\n")
    wanted = exchange["response"]
    found = [] if status == wanted["status_line"] else [f"{wanted['status_line']!r} became {status!r}"]
    names = [line.partition(":")[0] for line in lines]
    if names != [key for key, _ in wanted["headers"]]:
        found.append(f"headers {[key for key, _ in wanted['headers']]} became {names}")
    return found + converse(replay, exchange["frames"], client)


def converse(replay, frames, client):
    found, streaming = [], None
    for frame in frames:
        if frame["dir"] == "client" and frame["opcode"] == 8:
            client.send(b"\x03\xe8", 8)
            client.sock.close()
        elif frame["dir"] == "client":
            client.send(replay.places.put_in(frame["text"]).encode())
            asked = json.loads(frame["text"])
        elif "text" in frame:
            wanted, got = json.loads(frame["text"]), json.loads(client.receive())
            replay.places.learn(wanted, got)
            if asked["cmd"] == "query-disk-import":
                got = after_waiting(client, got)
            found += compare(replay, wanted, got)
            if "ticket" in got and not streaming:
                streaming = stream(replay)
    if streaming:
        streaming.join()
    return found


def after_waiting(client, got):
    """Asks again while there is nothing new, as the recorded client waited."""
    while got.get("status") == "pending" and "msg" not in got:
        time.sleep(0.1)
        client.send(b'{"cmd": "query-disk-import"}\n')
        got = json.loads(client.receive())
    return got


def compare(replay, wanted, got):
    for message in (wanted, got):
        if isinstance(message.get("msg"), str):
            message["msg"] = re.sub(r"^\d+\+\d+ records|, [\d.]+ s, [\d.]+ .B/s", "X", replay.same(message["msg"]))
    return recordings.differences(wanted, got, replay.places.found, "frame")


def stream(replay):
    """Sends the disk as the recorded stream did: its size, its bytes, then close."""
    replay.places.found.setdefault("<TUNNEL-TICKET-2>", "")
    data = replay.files["disk.raw"].read_bytes()

    def send():
        client = open_socket(replay, replay.stream)
        client.send(struct.pack("<Q", len(data)))
        for start in range(0, len(data), 32768):
            client.send(data[start:start + 32768])
        client.send(b"\x03\xe8", 8)
        client.sock.close()
    thread = threading.Thread(target=send)
    thread.start()
    return thread
