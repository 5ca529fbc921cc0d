"""Files that come to a storage: uploads, downloads, and what an OVA says of itself."""

import hashlib
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import ovf
import storage as storages
from calls import call
from calls_storage import storage_of
from faults import bad, died
from tasks import Interrupted

PIECE = 1 << 20
ENDINGS = {"iso": r".+\.(iso|img)", "vztmpl": r".+\.tar\.(gz|xz|zst)", "import": r".+\.(ova|raw|qcow2|vmdk)"}


def normal_name(ask):
    """The file's name as the server writes it, checked against its kind."""
    name = re.sub(r"^.*/", "", ask.get("filename").replace("\\", "/"))
    name = re.sub(r"[^A-Za-z0-9+=.\-_]", "_", re.sub(r"^\.+", "", name))
    if not re.fullmatch(ENDINGS[ask.get("content")], name):
        raise bad(filename="invalid filename or wrong extension")
    return name


def target_of(ask):
    storage, kind = storage_of(ask), ask.get("content")
    name = normal_name(ask)
    if kind not in storage.content:
        raise died(f"storage '{storage.name}' does not support '{kind}' content")
    if not isinstance(storage, storages.FileStorage):
        raise died(f"can't upload to storage type '{storage.kind}'")
    path = storage.path(ask.node, f"{kind}/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return storage, kind, path


@call("POST /nodes/{node}/storage/{storage}/upload")
def upload(ask):
    source = ask.request.form.file if ask.request.form else None
    storage, kind, path = target_of(ask)
    if not source:
        raise bad(tmpfilename="property is missing and it is not optional")

    def work(task):
        task.log(f"starting file import from: {source}")
        check_sum(ask, source, task)
        if kind == "import":
            demand_plain_image(source, path.suffix[1:], task)
        size = source.stat().st_size
        if storage.full or (storage.limit is not None and size > storage.usage(ask.node)[2]):
            raise died(f"import failed: cp: error writing '{path}': No space left on device")
        for line in (f"target node: {ask.node}", f"target file: {path}", f"file size is: {size}",
                     f"command: cp -- {source} {path}"):
            task.log(line)
        copy(source, path, task)
        source.unlink()
        task.log("finished file import successfully")
    return ask.task("imgcopy", "", work)


def copy(source, path, task):
    try:
        with open(source, "rb") as data, open(path, "wb") as out:
            while piece := data.read(PIECE):
                task.check()
                out.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def check_sum(ask, path, task):
    if not ask.get("checksum"):
        return
    task.log("calculating checksum...")
    summer = hashlib.new(ask.get("checksum-algorithm"))
    with open(path, "rb") as data:
        while piece := data.read(PIECE):
            task.check()
            summer.update(piece)
    got, wanted = summer.hexdigest(), ask.get("checksum").lower()
    if got != wanted:
        raise died(f"checksum mismatch: got '{got}' != expect '{wanted}'")
    task.lines[-1] += "OK, checksum verified"


def demand_plain_image(path, form, task):
    """What comes from outside must not lead to other files of the node."""
    if form not in ("qcow2", "vmdk", "raw"):
        return
    done = storages.run(["qemu-img", "info", "-U", "--output=json", path, "-f", form])
    if done.returncode:
        task.log(f"command '/usr/bin/qemu-img info '--output=json' {path} -f {form}' failed: exit code 1")
        raise died(done.stderr.strip())
    found = storages.json.loads(done.stdout)
    details = found.get("format-specific", {}).get("data", {})
    if "backing-filename" in found:
        raise died(f"backing file not allowed for untrusted image '{path}'!")
    if details.get("data-file"):
        raise died(f"data file not allowed for untrusted image '{path}'!")
    if form == "vmdk" and len(details.get("extents", [])) > 1:
        raise died(f"multiple children not allowed for untrusted image '{path}'!")


@call("POST /nodes/{node}/storage/{storage}/download-url")
def download(ask):
    _, kind, path = target_of(ask)
    if kind == "import" and ask.get("compression"):
        raise died("decompression not supported for 'import' content")
    url = ask.get("url")

    def work(task):
        task.log(f"downloading {url} to {path}")
        if path.exists():
            if not already_there(ask, path, task):
                raise died(f"refusing to override existing file '{path}'")
            return
        part = path.with_name(f"{path.name}.tmp_dwnl.{task.pid}")
        try:
            fetch(url, part, task)
            check_sum(ask, part, task)
            if kind == "import":
                demand_plain_image(part, path.suffix[1:], task)
            os.replace(part, path)
        except Interrupted as error:
            raise died("download failed: received interrupt") from error
        finally:
            part.unlink(missing_ok=True)
        task.log(f"download of '{url}' to '{path}' finished")
    return ask.task("download", path.name, work)


def already_there(ask, path, task):
    if not ask.get("checksum"):
        return False
    check_sum(ask, path, task)
    task.log("file already exists and has the right checksum, nothing to do")
    return True


def stamp():
    return time.strftime("%Y-%m-%d %H:%M:%S")


def fetch(url, part, task):
    """As wget does, with its words."""
    host = urllib.parse.urlsplit(url).netloc
    task.log(f"--{stamp()}--  {url}")
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers={"User-Agent": "Wget/1.21.3"}), timeout=60)
    except urllib.error.HTTPError as error:
        task.log(f"Connecting to {host}... connected.")
        task.log(f"HTTP request sent, awaiting response... {error.code} {error.reason}")
        task.log(f"{stamp()} ERROR {error.code}: {error.reason}.")
        raise died("download failed: exit code 8") from error
    except (urllib.error.URLError, OSError) as error:
        task.log(f"Connecting to {host}... failed: {getattr(error, 'reason', error)}.")
        raise died("download failed: exit code 4") from error
    task.log(f"Connecting to {host}... connected.")
    task.log(f"HTTP request sent, awaiting response... {answer.status} {answer.reason}")
    length = int(answer.headers.get("Content-Length", 0))
    kind = answer.headers.get("Content-Type")
    task.log(f"Length: {length} ({short(length)})" + (f" [{kind}]" if kind else ""))
    task.log(f"Saving to: '{part}'")
    took = read_all(answer, part, task)
    rate = short(length / max(took, 0.001))
    task.log(f"     0K {'':35}100%  {rate}={took:.3f}s")
    task.log(f"{stamp()} ({length / max(took, 0.001) / 1e6:.0f} MB/s) - '{part}' saved [{length}/{length}]")


def read_all(answer, part, task):
    started = time.monotonic()
    answer.fp.raw._sock.settimeout(0.5)  # so that a stop is heard while the other side says nothing
    with open(part, "wb") as out:
        while True:
            task.check()
            try:
                piece = answer.read(PIECE)
            except TimeoutError:
                continue
            if not piece:
                return time.monotonic() - started
            out.write(piece)


def short(count):
    for unit in ("", "K", "M"):
        if count < 1000 or unit == "M" and count < 1000:
            return f"{count:.0f}{unit}"
        count /= 1024
    return f"{count:.1f}G"


@call("GET /nodes/{node}/query-url-metadata")
def metadata_of_url(ask):
    try:
        request = urllib.request.Request(ask.get("url"), method="HEAD")
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = {"size": int(answer.headers.get("Content-Length", 0))}
            found["filename"] = Path(urllib.parse.urlsplit(ask.get("url")).path).name
            if answer.headers.get("Content-Type"):
                found["mimetype"] = answer.headers["Content-Type"]
            return found
    except urllib.error.HTTPError as error:
        raise died(f"invalid server response: '{error.code} {error.reason}'") from error
    except OSError as error:
        raise died(f"Can't connect to {urllib.parse.urlsplit(ask.get('url')).netloc}") from error


@call("GET /nodes/{node}/storage/{storage}/import-metadata")
def import_metadata(ask):
    storage, name = storage_of(ask), ask.get("volume")
    volume = storage.parse(name)
    ask.demand(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True)
    if volume.form != "ova":
        raise died("invalid format")
    path = storage.path(ask.node, name)
    if not path.exists():
        raise died(f"volume '{storage.volume_id(name)}' does not exist")
    return ovf.metadata(path, storage.volume_id(name), name)
