"""Web sockets (RFC 6455), the server's side, binary messages."""

import base64
import hashlib
import socket
import struct

from faults import Hangup

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
IDLE_SECONDS = 900


class WebSocket:
    """Takes over a request's connection."""

    def __init__(self, request):
        self.stream, self.sock = request.stream, request.stream.sock
        accept = base64.b64encode(hashlib.sha1((request.header("Sec-WebSocket-Key", "") + GUID).encode()).digest())
        self.sock.settimeout(IDLE_SECONDS)
        self.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                          b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: binary\r\n\r\n")

    def read(self):
        """The next piece of a message; None: the client has closed."""
        while True:
            try:
                first, second = self.stream.exactly(2)
                length = second & 0x7f
                if length == 126:
                    length = struct.unpack(">H", self.stream.exactly(2))[0]
                elif length == 127:
                    length = struct.unpack(">Q", self.stream.exactly(8))[0]
                mask = self.stream.exactly(4) if second & 0x80 else b"\0\0\0\0"
                data = unmask(self.stream.exactly(length), mask)
            except (Hangup, OSError):
                return None
            if first & 0xf == CLOSE:
                return None
            if first & 0xf == PING:
                self.write(data, PONG)
            elif first & 0xf != PONG:
                return data

    def hang_up(self):
        """From any thread: whoever reads here sees the end."""
        try:
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first

    def write(self, data, kind=BINARY):
        if len(data) < 126:
            head = bytes([0x80 | kind, len(data)])
        elif len(data) < 65536:
            head = bytes([0x80 | kind, 126]) + struct.pack(">H", len(data))
        else:
            head = bytes([0x80 | kind, 127]) + struct.pack(">Q", len(data))
        self.sock.sendall(head + data)


def unmask(data, mask):
    if not any(mask) or not data:
        return data
    pattern = (mask * (len(data) // 4 + 1))[:len(data)]
    size = len(data)
    return (int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")
