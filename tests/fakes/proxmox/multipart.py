"""Uploads, read as strictly as the server does: fields in one order, one spelling of the file's header."""

import hashlib
import re
import secrets

from faults import Hangup, Unsaid

FIELD = rb'Content-Disposition: form-data; name="(content|checksum-algorithm|checksum)"(?:\r\n[^\r\n]+)*\r\n\r\n([^\r\n]*)\r\n'
FILE = rb'Content-Disposition: form-data; name="(.*?)"; filename="([^"]+)"(?:\r\n[^\r\n]+)*\r\n\r\n'
ORDER = [b"content", b"checksum-algorithm", b"checksum"]
HEAD_LIMIT = 32 << 10
FAILED = "upload failed at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1317."


def failed(message=FAILED):
    return Unsaid(500, message, message + "\n")


class Upload:
    """Reads the body: `fields` are the parameters, `file` holds the bytes."""

    def __init__(self, stream, length, kind, folder, cut=None):
        found = re.fullmatch(r"multipart/form-data; *boundary=(.+)", kind)
        self.boundary = b"--" + (found[1] if found else "").encode()
        self.stream, self.left = stream, length
        self.end = None if cut is None else length - cut  # what is left of the body when the connection breaks
        self.window = b""
        self.fields, self.last = {}, -1
        self.file = folder / f"pveupload-{hashlib.md5(secrets.token_bytes(16)).hexdigest()}"
        self.read_head()

    def fill(self, wanted):
        while len(self.window) < wanted and self.left:
            if self.end is not None and self.left <= self.end:
                raise Hangup
            piece = self.stream.some(min(self.left, 1 << 20))
            self.left -= len(piece)
            self.window += piece

    def read_head(self):
        """The fields before the file, then the file."""
        while True:
            self.fill(HEAD_LIMIT)
            mark = self.boundary + b"\r\n"
            if not self.window.startswith(mark):
                self.skip()
                raise failed()
            part = self.window[len(mark):]
            field, file = re.match(FIELD, part), re.match(FILE, part)
            if file:
                self.window = part[file.end():]
                self.take_file(file[1].decode(), file[2].decode("utf-8", "replace"))
                return
            if not field:
                self.skip()
                raise self.unknown(part)
            self.take_field(field)
            self.window = part[field.end():]

    def unknown(self, part):
        """A field that nobody asked for is a bad request; what does not parse at all has failed."""
        if re.match(rb'Content-Disposition: form-data; name="[^"]*"(?:\r\n[^\r\n]+)*\r\n\r\n', part):
            return Unsaid(400, "Bad Request")
        return failed()

    def take_field(self, field):
        place = ORDER.index(field[1])
        if place <= self.last:
            self.skip()
            raise Unsaid(400, "Bad Request")
        self.last = place
        self.fields[field[1].decode()] = field[2].decode("utf-8", "replace")

    def take_file(self, field, name):
        if field != "filename":
            self.skip()
            raise failed(f"wrong field name '{field}' for file upload, expected 'filename' at "
                         "/usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1281.")
        self.fields["filename"] = name
        end = b"\r\n" + self.boundary
        with open(self.file, "wb") as out:
            while True:
                self.fill(1 << 20)
                found = self.window.find(end)
                if found >= 0:
                    out.write(self.window[:found])
                    break
                if not self.left:
                    raise failed()
                out.write(self.window[:-len(end)])
                self.window = self.window[-len(end):]
        self.skip()

    def skip(self):
        while self.left:
            self.left -= len(self.stream.some(self.left))
        self.window = b""
