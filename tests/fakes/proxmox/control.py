"""The control port: plain HTTP on the loopback, JSON in and out, for tests only (README.md lists its calls)."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import keeper
import node
from vm import DRIVES, parse_drive

ACTIONS = {}


def action(name):
    def enter(handler):
        ACTIONS[name] = handler
        return handler
    return enter


class Control:
    def __init__(self, fake):
        self.fake = fake

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self):
                path, _, query = self.path.partition("?")
                length = int(self.headers.get("Content-Length", 0))
                text = self.rfile.read(length)
                given = dict(urllib.parse.parse_qsl(query)) | (json.loads(text) if text else {})
                handler = ACTIONS.get(f"{self.command} {path}")
                try:
                    status, content = (200, handler(fake, given)) if handler else (404, {"error": f"no {path}"})
                except (KeyError, ValueError) as error:
                    status, content = 400, {"error": repr(error)}
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_GET = do_POST = do_DELETE = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@action("POST /faults")
def add_fault(fake, given):
    fake.injections.add(given)


@action("DELETE /faults")
def clear_faults(fake, _):
    fake.injections.clear()


@action("GET /counts")
def counts(fake, _):
    """{"GET /version": times asked}, by the paths of the tables; `mutations`: all that were no GET."""
    found = dict(fake.injections.counts)
    return {"calls": found, "mutations": sum(count for name, count in found.items() if not name.startswith("GET "))}


@action("GET /mistakes")
def mistakes(fake, _):
    """What the fake itself did wrong, as far as it knows: answers against the schema, unforeseen errors."""
    return list(fake.world.mistakes)


@action("GET /left")
def left(fake, _):
    """All that stands on the platform: what a test that cleans up leaves must be empty again."""
    world = fake.world
    volumes = [entry["volid"] for storage in world.storages.values() for name in world.nodes_of(storage)
               for entry in storage.list(name, storage.content)]
    machines = list(world.machines.values())
    used = {parse_drive(text)["file"] for machine in machines for key, text in list(machine.config.items())
            if DRIVES.fullmatch(key) or key.startswith("unused")}
    return {"vms": {machine.vmid: {"node": machine.node, "name": machine.name(), "running": machine.running,
                                   "config": machine.config, "pending": machine.pending} for machine in machines},
            "volumes": sorted(set(volumes)), "unreferenced": sorted(set(volumes) - used),
            "uploads": [str(file) for file in world.uploads if file.exists()],
            "snapshots": {machine.vmid: sorted(machine.snapshots) for machine in machines if machine.snapshots},
            "locks": {machine.vmid: machine.config["lock"] for machine in machines if "lock" in machine.config},
            "tasks": [task.upid for task in world.tasks.running()],
            "processes": {node.name: keeper.told(fake.landing.mark(node)) for node in world.nodes.values()}}


@action("POST /options")
def options(fake, given):
    """tcg, fast_401, proxy_seconds (after which a call is answered by 596), lock_seconds, agent_seconds (how long a
    guest's agent is waited for), convert_seconds (a copy takes that much longer)."""
    fake.world.options |= given
    return fake.world.options


@action("POST /crash")
def crash(fake, given):
    """{"vmid"}: its QEMU dies."""
    fake.world.machines[int(given["vmid"])].process.kill()


@action("POST /reset")
def reset(fake, _):
    fake.reset()


@action("POST /node")
def change_node(fake, given):
    """{"node", "online": bool} or {"node", "reboot": true}: its connections break, its machines are lost."""
    found = fake.world.nodes[given["node"]]
    online = given.get("online", True)
    if given.get("reboot") or (found.online and not online):
        fake.lose(found)
        found.online = False
    if online != found.online:
        fake.set_online(found, bool(online))


@action("POST /move")
def move(fake, given):
    """{"vmid", "node"}: as `mv` below /etc/pve/nodes, of a machine that is off; its volumes stay where they are."""
    machine = fake.world.machines[int(given["vmid"])]
    machine.file.unlink(missing_ok=True)
    machine.node = fake.world.nodes[given["node"]].name
    machine.save()


@action("POST /containers")
def change_containers(fake, given):
    """{"containers": [...]}: as in a world file, in place of those that there are."""
    fake.world.containers.clear()
    for entry in given["containers"]:
        fake.world.add_container(entry)


@action("POST /storage")
def change_storage(fake, given):
    """{"storage", "full": bool}."""
    fake.world.storages[given["storage"]].full = bool(given["full"])


@action("POST /expire")
def expire(fake, _):
    """All tickets are too old from now on."""
    fake.world.access.tickets = {ticket: (user, 0) for ticket, (user, _) in fake.world.access.tickets.items()}


@action("POST /lock")
def lock(fake, given):
    """{"vmid", "lock": kind or null}: as somebody else's backup would."""
    machine = fake.world.machines[int(given["vmid"])]
    machine.config.pop("lock", None)
    if given.get("lock"):
        machine.config["lock"] = given["lock"]
    machine.save()


@action("GET /console")
def console(fake, given):
    """What the machine has said on serial0 so far, over all its starts."""
    machine = fake.world.machines[int(given["vmid"])]
    file = fake.world.nodes[machine.node].folder / f"{machine.vmid}.console"
    return {"text": file.read_text(errors="replace") if file.exists() else ""}


@action("POST /cut")
def cut(fake, given):
    """{"vmid"}: the connections of those who listen to the machine by web sockets break."""
    for one in list(fake.world.consoles.values()):
        if one["vmid"] == int(given["vmid"]) and "web" in one:
            one["web"].hang_up()


@action("POST /hmp")
def human(fake, given):
    """{"vmid", "command"}: a line for QEMU's monitor, as `hostfwd_add net0 tcp:127.0.0.1:8080-:80`."""
    return {"text": fake.world.machines[int(given["vmid"])].process.human(given["command"])}


@action("GET /command")
def command(fake, given):
    """QEMU's command line of a running machine."""
    return {"argv": [str(word) for word in fake.world.machines[int(given["vmid"])].process.command]}


@action("POST /cli")
def command_line(fake, given):
    """A program of the node: {"node", "argv"} -> {"rc", "stdout", "stderr"}; used by the programs in its bin folder."""
    return node.run(fake.world, given["node"], given["argv"])
