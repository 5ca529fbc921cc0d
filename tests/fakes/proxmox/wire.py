"""HTTP as the server speaks it: its order of headers, its limits, its ways to say no."""

import email.utils
import gzip
import json
import random
import socket
import ssl
import threading
import time

from faults import ApiError, Hangup, Unsaid

IDLE_SECONDS, REQUESTS = 5, 100
MAX_HEADER_BYTES, MAX_HEADER_LINES = 8 << 10, 64
MAX_BODY = 512 << 10
READ_AHEAD = 64 << 10  # more than this unread when the server says no: the connection goes without an answer
LATE_SECONDS, FAST_LATE_SECONDS = 3.0, 0.05
METHODS = ("GET", "POST", "PUT", "DELETE")


class Stream:
    """A connection with a buffer before it."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Hangup
        self.buffer += data

    def until(self, mark, limit):
        while mark not in self.buffer:
            if len(self.buffer) > limit:
                raise Unsaid(400, "too many http header lines")
            self.more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def some(self, limit):
        if not self.buffer:
            self.more()
        piece, self.buffer = self.buffer[:limit], self.buffer[limit:]
        return piece

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        piece, self.buffer = self.buffer[:count], self.buffer[count:]
        return piece


class Request:
    def __init__(self, stream, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Unsaid(400, "bad request")
        if len(lines) > MAX_HEADER_LINES:
            raise Unsaid(400, "too many http header lines")
        self.method, self.target, self.protocol = words
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line]
        self.stream = stream
        self.path, _, self.query = self.target.partition("?")
        self.body = b""
        self.form = None  # the fields of an upload
        self.cut = None  # after how many bytes of an upload the connection breaks
        self.protected = False

    def header(self, name, default=None):
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    @property
    def length(self):
        text = self.header("Content-Length", "0")
        return int(text) if text.isdigit() else 0

    @property
    def keeps_alive(self):
        wish = self.header("Connection", "").lower()
        return wish != "close" and (self.protocol == "HTTP/1.1" or wish == "keep-alive")


class Server:
    """One node's port. `answer(request)` gives (status, reason, object or text or None); it may raise ApiError."""

    def __init__(self, answer, context, options):
        self.answer, self.context, self.options = answer, context, options
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.open = set()
        self.online = True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if not self.online:
                sock.close()
                continue
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def close(self):
        self.listener.close()

    def drop(self):
        """Breaks all open connections."""
        for sock in list(self.open):
            reset(sock)

    def serve(self, sock):
        self.open.add(sock)
        try:
            sock.settimeout(60)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if sock.recv(1, socket.MSG_PEEK) != b"\x16":
                self.move_to_https(sock)
                return
            self.open.discard(sock)
            sock = self.context.wrap_socket(sock, server_side=True)
            self.open.add(sock)
            self.converse(sock)
        except (OSError, Hangup, ssl.SSLError):
            pass
        finally:
            self.open.discard(sock)
            sock.close()

    def move_to_https(self, sock):
        request = Request(Stream(sock), Stream(sock).until(b"\r\n\r\n", MAX_HEADER_BYTES))
        place = f"https://{request.header('Host', '')}{request.target}"
        send(sock, 301, "Moved Permanently", b"Moved Permanently", None, ["Keep-Alive"], [("Location", place)])

    def converse(self, sock):
        stream = Stream(sock)
        for number in range(1, REQUESTS + 1):
            sock.settimeout(IDLE_SECONDS)
            try:
                head = stream.until(b"\r\n\r\n", MAX_HEADER_BYTES)
            except Unsaid as error:
                send(sock, error.status, error.message, None, None, ["close"])
                return
            sock.settimeout(60)
            if not self.exchange(sock, stream, head, number):
                return

    def exchange(self, sock, stream, head, number):
        """One request and its answer; whether the connection stays open."""
        request = None
        try:
            request = Request(stream, head)
            result = self.answer(request)
            if result is None:
                return False  # the connection became something else, and that has ended
            status, reason, content = result
        except Unsaid as error:
            return self.refuse(sock, stream, request, error)
        except ApiError as error:
            if error.status == 401:
                self.hold_back()
            status, reason, content = failure(error)
        body, kind = encode(content)
        stays = status < 400 and request.keeps_alive and number < REQUESTS
        wishes = ["Keep-Alive"] if stays else ["close"]
        if stays and request.protected:
            wishes = ["close", "Keep-Alive"]
        extra = []
        if body and len(body) > 1024 and "gzip" in request.header("Accept-Encoding", ""):
            body, extra = gzip.compress(body), [("Content-Encoding", "gzip")]
        send(sock, status, reason, body, kind, wishes, extra)
        return stays

    def hold_back(self):
        time.sleep(FAST_LATE_SECONDS if self.options.get("fast_401") else LATE_SECONDS)

    def refuse(self, sock, stream, request, error):
        if error.late:
            unread = request.length - len(stream.buffer) if request else 0
            if request and request.method in ("POST", "PUT") and max(unread, 0) + len(stream.buffer) > READ_AHEAD:
                return False
            self.hold_back()
        body = error.plain.encode() if error.plain is not None else None
        send(sock, error.status, error.message, body, None, ["close"])
        drain(sock, stream)
        return False


def drain(sock, stream):
    """Reads what the client still sends for a moment, so that it sees the answer and no reset."""
    try:
        sock.settimeout(0.2)
        for _ in range(64):
            if not sock.recv(65536):
                return
    except OSError:
        pass


def reset(sock):
    """Ends a connection so that the other side sees a reset."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    except OSError:
        pass


def failure(error):
    message = error.message
    content = {"data": None, "message": message + ("\n" if error.status != 501 else "")}
    if error.errors:
        content["errors"] = error.errors
    return error.status, message.split("\n")[0], content


def encode(content):
    if content is None:
        return None, None
    if isinstance(content, str):
        return content.encode(), None
    text = json.dumps(shuffled(content), ensure_ascii=False, separators=(",", ":"))
    return text.encode(), "application/json;charset=UTF-8"


def shuffled(content):
    """The same with its keys in no order, as the server's are."""
    if isinstance(content, dict):
        keys = list(content)
        random.shuffle(keys)
        return {key: shuffled(content[key]) for key in keys}
    return [shuffled(item) for item in content] if isinstance(content, list) else content


def send(sock, status, reason, body, kind, connection, extra=()):
    now = email.utils.formatdate(usegmt=True)
    headers = [("Cache-Control", "max-age=0"), *(("Connection", wish) for wish in connection), ("Date", now),
               ("Pragma", "no-cache"), *(pair for pair in extra if pair[0] == "Location"),
               ("Server", "pve-api-daemon/3.0"), *(pair for pair in extra if pair[0] == "Content-Encoding")]
    if body is not None:
        headers.append(("Content-Length", str(len(body))))
    if kind:
        headers.append(("Content-Type", kind))
    headers.append(("Expires", now))
    head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers) + "\r\n"
    sock.sendall(head.encode("utf-8", "replace") + (body or b""))
