"""mtunnel: a machine comes from another cluster over web sockets. termproxy and vncwebsocket: its serial console."""

import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time

import disks
import propertystring
import rights
import storage as storages
from calls import UPGRADED, call
from calls_machines import forget, remove_all, reserve
from faults import ApiError, bad, died
from formats import split_list
from vm import DRIVES, find, parse_drive, size_of
from websocket import WebSocket

CONNECT_SECONDS = 300
PIECE = 1 << 20


class Tunnel:
    """One machine on its way in."""

    def __init__(self, ask, machine):
        self.ask, self.world, self.machine = ask, ask.world, machine
        self.socket = f"/run/qemu-server/{machine.vmid}.mtunnel"
        self.storage_socket = f"/run/qemu-server/{machine.vmid}.storage"
        self.connected, self.left = threading.Event(), threading.Event()
        self.leaving = False
        self.disk = None
        self.volumes = []
        self.task = None

    def worker(self, task):
        self.task = task
        task.log("mtunnel started")
        until = time.monotonic() + CONNECT_SECONDS
        while not self.connected.wait(0.2):
            task.check()
            if time.monotonic() > until:
                raise died("mtunnel exited unexpectedly")
        while not self.left.wait(0.2):
            task.check()
        if not self.leaving:
            raise died("mtunnel exited unexpectedly")
        task.log("mtunnel exited")

    def serve(self, web):
        """The channel of commands: a line of JSON each way."""
        self.connected.set()
        buffer = b""
        try:
            while (data := web.read()) is not None:
                buffer += data
                while b"\n" in buffer:
                    line, _, buffer = buffer.partition(b"\n")
                    web.write(json.dumps(self.answer(json.loads(line))).encode() + b"\n")
        finally:
            self.left.set()

    def answer(self, message):
        name = message.get("cmd")
        handler = COMMANDS.get(name)
        if not handler:
            return {"success": False, "msg": f"unknown command '{name}' given"}
        self.task.log(f"received command '{name}'")
        try:
            return {"success": True} | (handler(self, message) or {})
        except ApiError as error:
            told = error.message
            if error.errors:
                told = f"{error.status} {told}\n" + "".join(f"{key}: {text}\n" for key, text in error.errors.items())
            return {"success": False, "msg": f"failed to handle '{name}' command - {told.rstrip()}\n"}


class Disk:
    """A volume whose bytes are on their way."""

    def __init__(self, tunnel, message):
        self.tunnel, self.message = tunnel, message
        self.lines, self.volid, self.error = [], None, None
        self.done = threading.Event()

    def receive(self, web):
        try:
            self.fill(web)
        except (ApiError, OSError) as error:
            self.error = getattr(error, "message", str(error))
        finally:
            self.done.set()

    def fill(self, web):
        head = b""
        while len(head) < 8:
            piece = web.read()
            if piece is None:
                raise died("import: no size found in export header, aborting.")
            head += piece
        size, rest = struct.unpack("<Q", head[:8])[0], head[8:]
        path, self.volid = self.allocate(size)
        self.tunnel.volumes.append(self.volid)
        started, count, pieces = time.monotonic(), 0, 0
        with open(path, "r+b") as out:
            piece = rest
            while piece is not None:
                if piece.strip(b"\0"):
                    out.write(piece)
                else:
                    out.seek(len(piece), 1)
                count, pieces = count + len(piece), pieces + 1
                piece = web.read()
        took = max(time.monotonic() - started, 0.001)
        self.lines += [f"{pieces}+0 records in\n", f"{pieces}+0 records out\n",
                       f"{count} bytes ({count / 1e6:.0f} MB, {count >> 20} MiB) copied, {took:.6g} s, "
                       f"{count / took / 1e6:.0f} MB/s\n"]

    def allocate(self, size):
        machine, message = self.tunnel.machine, self.message
        storage = storages.volume(self.tunnel.world, f"{message['storage']}:")[0]
        file = re.sub(r"^\d+/", "", message["volname"])
        if storage.path(machine.node, storage.image_name(machine.vmid, file)).exists():
            if not message.get("allow_rename"):
                raise died(f"volume '{storage.name}:{storage.image_name(machine.vmid, file)}' already exists")
            file = None
        if not storage.suffix("raw") and file:
            file = file.removesuffix(".raw")
        volid = storage.alloc(machine.node, machine.vmid, "raw", file, size, self.lines.append)
        return storages.path_of(self.tunnel.world, machine.node, volid), volid


def version(_, __):
    return {"api": 2, "age": 0}


def bandwidth(_, __):
    return {"bwlimit": None}


def ticket(tunnel, message):
    path = message.get("path")
    if path not in (tunnel.socket, tunnel.storage_socket if tunnel.disk else None):
        raise died(f"Not allowed to generate ticket for unknown socket '{path}'")
    return {"ticket": tunnel.world.access.tunnel_ticket(tunnel.ask.caller, path)}


def disk_import(tunnel, message):
    needed = ("storage", "format", "volname", "export_formats")
    if missing := [key for key in needed if key not in message]:
        raise bad(**{missing[0]: "property is missing and it is not optional"})
    if tunnel.disk:
        raise died("disk import already running")
    storage = storages.volume(tunnel.world, f"{message['storage']}:")[0]
    rights.demand_on_node(tunnel.ask, storage)
    tunnel.ask.demand(f"/storage/{storage.name}", "Datastore.AllocateSpace")
    formats = split_list(message["export_formats"])
    if storage.kind == "zfspool" or "raw+size" not in formats:
        raise died(f"no matching export/import format found for storage '{storage.name}'")
    tunnel.disk = Disk(tunnel, message)
    tunnel.task.log("ready\n\n")
    return {"socket": tunnel.storage_socket, "format": "raw+size"}


def query_disk_import(tunnel, _):
    disk = tunnel.disk
    if not disk:
        raise died("no disk import running")
    if disk.lines:
        line = disk.lines.pop(0)
        tunnel.task.log(f"disk-import: {line.rstrip()}")
        tunnel.task.lines.append("")
        return {"status": "pending", "msg": line}
    if not disk.done.is_set():
        return {"status": "pending"}
    tunnel.disk = None
    if disk.error:
        raise died(f"disk import failed: {disk.error}")
    tunnel.task.log(f"disk-import: successfully imported '{disk.volid}'")
    return {"status": "complete", "volid": disk.volid}


def config(tunnel, message):
    values = dict(line.split(": ", 1) for line in message["conf"].split("\n") if ": " in line)
    ask, machine = tunnel.ask, tunnel.machine
    rights.check_options(ask, machine.vmid, None, values)
    rights.check_devices(ask, machine.vmid, None, values)
    rights.check_bridges(ask, values)
    for key, text in values.items():
        drive = parse_drive(text) if DRIVES.fullmatch(key) else None
        if drive and drive["file"] != "none" and not storages.path_of(tunnel.world, machine.node, drive["file"]).exists():
            raise died(f"volume '{drive['file']}' does not exist")
    tunnel.task.log(f"update VM {machine.vmid}: " + " ".join(f"-{key} {values[key]}" for key in sorted(values)))
    with machine.locked():
        machine.config |= values
        machine.save()


def unlock(tunnel, _):
    with tunnel.machine.locked():
        tunnel.machine.config.pop("lock", None)
        tunnel.machine.save()


def leave(tunnel, message):
    if "cleanup" not in message:
        raise bad(cleanup="property is missing and it is not optional")
    tunnel.leaving = True
    tunnel.task.log("switching to exit-mode, waiting for client to disconnect")
    if message["cleanup"]:
        for volid in tunnel.volumes:
            disks.remove(tunnel.world, tunnel.machine.node, volid)
        remove_all(tunnel.world, tunnel.machine, tunnel.task, False)
        forget(tunnel.world, tunnel.machine)


COMMANDS = {"version": version, "bwlimit": bandwidth, "ticket": ticket, "disk-import": disk_import,
            "query-disk-import": query_disk_import, "config": config, "unlock": unlock, "quit": leave}


@call("POST /nodes/{node}/qemu/{vmid}/mtunnel")
def mtunnel(ask):
    world, vmid = ask.world, ask.get("vmid")
    for name in split_list(ask.get("storages", "")):
        storage = storages.volume(world, f"{name}:")[0]
        rights.demand_on_node(ask, storage)
        ask.demand(f"/storage/{name}", "Datastore.AllocateSpace")
    known = {bridge["iface"] for bridge in world.bridges_on(ask.node)} | world.vnet_names()
    for bridge in split_list(ask.get("bridges", "")):
        if bridge not in known:
            raise died(f"bridge '{bridge}' does not exist")
        rights.check_bridge(ask, bridge)
    try:
        machine = reserve(world, vmid, ask.node, "unable to create empty VM config -")
    except ApiError as error:
        raise bad(vmid=f"{error.message}\n") from error
    tunnel = Tunnel(ask, machine)
    world.tunnels[vmid] = tunnel
    upid = ask.task("qmtunnel", vmid, tunnel.worker)
    while not tunnel.task and not world.tasks.find(upid).done.is_set():
        time.sleep(0.01)
    return {"upid": upid, "socket": tunnel.socket, "ticket": world.access.tunnel_ticket(ask.caller, tunnel.socket)}


@call("GET /nodes/{node}/qemu/{vmid}/mtunnelwebsocket")
def mtunnel_websocket(ask):
    user, path, until = ask.world.access.tunnels.get(ask.get("ticket"), (None, None, 0))
    if user != ask.caller.full or path != ask.get("socket") or until < time.time():
        raise ApiError(401, "permission denied - invalid PVETUNNEL ticket")
    if ask.request.header("Upgrade", "").lower() != "websocket":
        return {"socket": path}
    tunnel = ask.world.tunnels[ask.get("vmid")]
    web = WebSocket(ask.request)
    if path == tunnel.socket:
        tunnel.serve(web)
    elif tunnel.disk:
        tunnel.disk.receive(web)
    return UPGRADED


@call("POST /nodes/{node}/qemu/{vmid}/termproxy")
def termproxy(ask):
    """That there is nothing to hear is told by the terminal itself, later."""
    machine = find(ask.world, ask.get("vmid"), ask.node)
    name = ask.get("serial") or "serial0"
    port = 5900 + len(ask.world.consoles) % 100
    ticket_text = f"PVEVNC:{ask.world.access.tunnel_ticket(ask.caller, name)[10:]}"
    console = {"vmid": machine.vmid, "name": name, "ticket": ticket_text, "user": ask.caller.full,
               "done": threading.Event()}
    ask.world.consoles[port] = console
    upid = ask.task("vncproxy", machine.vmid, lambda task: wait_for(console, task))
    return {"user": ask.caller.full, "ticket": ticket_text, "port": port, "upid": upid}


def wait_for(console, task):
    while not console["done"].wait(0.2):
        task.check()


@call("GET /nodes/{node}/qemu/{vmid}/vncwebsocket")
def console_websocket(ask):
    console = ask.world.consoles.get(ask.get("port"))
    if not console or console["ticket"] != ask.get("vncticket") or console["vmid"] != ask.get("vmid"):
        raise ApiError(401, "permission denied - invalid PVEVNC ticket")
    if ask.request.header("Upgrade", "").lower() != "websocket":
        return {"port": str(ask.get("port"))}
    machine = find(ask.world, ask.get("vmid"), ask.node)
    web = console["web"] = WebSocket(ask.request)
    try:
        if log_in(ask.world, console, web):
            relay(machine, console["name"], web)
    finally:
        console["done"].set()
    return UPGRADED


def log_in(world, console, web):
    """The terminal asks the server who that is; what 8.4 asks takes no token's name."""
    hello = (web.read() or b"").decode(errors="replace").strip()
    if hello != f"{console['user']}:{console['ticket']}" or ("!" in console["user"] and world.version == "8.4"):
        return False
    web.write(b"OK")
    return True


def relay(machine, name, web):
    """The terminal's protocol: `user:ticket` first, then `0:length:text` from the client, plain bytes to it."""
    if name not in machine.config:
        return web.write(f"serial interface '{name}' not found\r\n".encode())
    if not machine.running:
        return web.write(f"VM {machine.vmid} not running\r\n".encode())
    web.write(f"starting serial terminal on interface {name}\r\n".encode())
    serial = socket.socket(socket.AF_UNIX)
    serial.connect(str(machine.process.path(name)))

    def back():
        try:
            while data := serial.recv(4096):
                web.write(data)
        except OSError:
            pass  # either side has gone
        web.hang_up()  # as the terminal's end ends the connection, without a word
    threading.Thread(target=back, daemon=True).start()
    buffer = b""
    while (data := web.read()) is not None:
        buffer += data
        while found := re.match(rb"0:(\d+):", buffer):
            end = found.end() + int(found[1])
            if len(buffer) < end:
                break
            serial.sendall(buffer[found.end():end])
            buffer = buffer[end:]
        buffer = buffer if buffer.startswith(b"0") else b""  # a resize, or a sign of life
    serial.close()


@call("POST /nodes/{node}/qemu/{vmid}/remote_migrate")
def remote_migrate(ask):
    """Only as far as the first question to the other side."""
    remote = propertystring.parse(propertystring.NAMED["proxmox-remote"], ask.get("target-endpoint"))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a fingerprint stands for the authority
    peer = http.client.HTTPSConnection(remote["host"], int(remote.get("port", 8006)), timeout=10, context=context)
    try:
        peer.request("GET", "/api2/json/version", headers={"Authorization": remote["apitoken"]})
        answer = peer.getresponse()
    except OSError as error:
        raise died(f"595 {error.strerror or error}") from error
    if answer.status != 200:
        raise died(f"{answer.status} {answer.reason}")
    raise died("outgoing remote migration is not modelled")


@call("GET /nodes/{node}/qemu/{vmid}/migrate")
def migrate_conditions(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    local = []
    for key, text in sorted(machine.config.items()):
        if not DRIVES.fullmatch(key) and not key.startswith("unused"):
            continue
        drive = parse_drive(text)
        if ":" in drive["file"] and not storages.volume(ask.world, drive["file"])[0].shared:
            local.append(local_disk(key, drive))
    others = [name for name in ask.world.nodes if name != machine.node and ask.world.nodes[name].online]
    return {"running": int(machine.running), "allowed_nodes": [] if machine.running else others, "not_allowed_nodes": {},
            "local_disks": local, "local_resources": [], "mapped-resources": [], "mapped-resource-info": {}}


def local_disk(key, drive):
    unused = key.startswith("unused")
    entry = {"volid": drive["file"], "cdrom": int(drive.get("media") == "cdrom"), "replicate": 1, "shared": 0,
             "is_unused": int(unused), "is_attached": int(not unused), "is_vmstate": 0,
             "is_tpmstate": int(key == "tpmstate0")}
    if not unused:
        entry["drivename"] = key
        if "size" in drive:
            entry["size"] = size_of(drive["size"])
    return entry
