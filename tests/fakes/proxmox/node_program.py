"""qm, pvesm, pvesh and pveversion on a fake node: asks the fake to do it. Streams pass through here. socat, which each
node has: a unix socket and standard input and output, `socat [-u] UNIX-CONNECT:SOCKET -` or the other way round.

node_program.py CONTROL-URL NODE PROGRAM WORDS...
"""

import json
import os
import socket
import struct
import sys
import threading
import urllib.request

PIECE = 1 << 20


def ask(control, node, argv):
    body = json.dumps({"node": node, "argv": argv}).encode()
    with urllib.request.urlopen(urllib.request.Request(control + "/cli", body, method="POST")) as answer:
        return json.loads(answer.read())


def tell(result):
    sys.stdout.write(result["stdout"])
    sys.stdout.flush()
    sys.stderr.write(result["stderr"])
    sys.exit(result["rc"])


def take_stream(control, node, volid):
    """raw+size: eight bytes of size, little-endian, then the bytes."""
    head = sys.stdin.buffer.read(8)
    if len(head) < 8:
        fail("import: no size found in export header, aborting.")
    result = ask(control, node, ["pvesm", "import-volume", volid, str(struct.unpack("<Q", head)[0])])
    if result["rc"]:
        tell(result)
    with open(result["stdout"].strip(), "r+b") as out:
        while piece := sys.stdin.buffer.read(PIECE):
            if piece.strip(b"\0"):
                out.write(piece)
            else:
                out.seek(len(piece), 1)
    print(f"successfully imported '{volid}'")


def give_stream(control, node, volid):
    result = ask(control, node, ["pvesm", "export-volume", volid])
    if result["rc"]:
        sys.stdout.buffer.write(struct.pack("<Q", 0))  # a volume that is gone has a size all the same, as on the server
        sys.stdout.flush()
        tell(result)
    with open(result["stdout"].strip(), "rb") as data:
        size = data.seek(0, 2)
        data.seek(0)
        sys.stdout.buffer.write(struct.pack("<Q", size))
        while piece := data.read(PIECE):
            sys.stdout.buffer.write(piece)


def relay(words):
    """socat's little part."""
    one_way = "-u" in words
    ends = [word for word in words if word != "-u"]
    name = next((word.partition(":")[2] for word in ends if word.startswith("UNIX-CONNECT:")), None)
    if len(ends) != 2 or "-" not in ends or not name:
        fail(f"socat: this one knows only [-u] UNIX-CONNECT:SOCKET and -, not {words}")
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(name)
    except OSError as error:
        sys.stderr.write(f'socat[{os.getpid()}] E connect(, AF=1 "{name}", {len(name) + 2}): {error.strerror}\n')
        sys.exit(1)
    from_peer, to_peer = not one_way or ends[1] == "-", not one_way or ends[0] == "-"
    if to_peer and from_peer:
        threading.Thread(target=pump, args=(lambda: os.read(0, 65536), peer.sendall), daemon=True).start()
    if from_peer:
        pump(lambda: peer.recv(65536), lambda data: os.write(1, data))
    else:
        pump(lambda: os.read(0, 65536), peer.sendall)


def pump(read, write):
    try:
        while data := read():
            write(data)
    except OSError:
        pass  # either end has gone


def fail(text):
    sys.stderr.write(text + "\n")
    sys.exit(255)


def main():
    control, node, program, *words = sys.argv[1:]
    if program == "socat":
        relay(words)
    elif program == "pvesm" and words[:1] == ["import"] and words[2:4] == ["raw+size", "-"]:
        take_stream(control, node, words[1])
    elif program == "pvesm" and words[:1] == ["export"] and words[2:4] == ["raw+size", "-"]:
        give_stream(control, node, words[1])
    else:
        tell(ask(control, node, [program, *words]))


if __name__ == "__main__":
    main()
