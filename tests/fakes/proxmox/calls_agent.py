"""/nodes/NODE/qemu/VMID/agent and /monitor: words with the guest and with QEMU."""

import base64

import machine as running
from calls import call
from calls_power import agent_enabled
from faults import died
from vm import find

PING_SECONDS, ANSWER_SECONDS = 3, 10


def agent(ask, command, arguments=None):
    """What the guest's agent answers."""
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if not agent_enabled(machine.config):
        raise died("No QEMU guest agent configured")
    if not machine.running:
        raise died(f"VM {machine.vmid} is not running")
    path = machine.process.path("qga")
    patience = ask.world.options.get("agent_seconds", PING_SECONDS)
    try:
        if command != "guest-ping":
            talk(path, patience, "guest-ping", None)
        return talk(path, patience if command == "guest-ping" else ANSWER_SECONDS, command, arguments)
    except (OSError, ValueError) as error:
        raise died("QEMU guest agent is not running") from error


def talk(path, seconds, command, arguments):
    channel = running.Channel(path, seconds)
    try:
        return channel.ask(command, arguments)
    finally:
        channel.close()


def relayed(method, name):
    command = f"guest-{name}"

    @call(f"{method} /nodes/{{node}}/qemu/{{vmid}}/agent/{name}")
    def handler(ask):
        return {"result": agent(ask, command)}
    return handler


for _method, _name in (("POST", "ping"), ("GET", "info"), ("GET", "network-get-interfaces"), ("GET", "get-osinfo"),
                       ("GET", "get-host-name"), ("GET", "get-fsinfo")):
    relayed(_method, _name)


@call("POST /nodes/{node}/qemu/{vmid}/agent/exec")
def execute(ask):
    words = ask.get("command")
    arguments = {"path": words[0], "capture-output": True} | ({"arg": words[1:]} if words[1:] else {})
    if ask.get("input-data"):
        arguments["input-data"] = base64.b64encode(ask.get("input-data").encode()).decode()
    return agent(ask, "guest-exec", arguments)


@call("GET /nodes/{node}/qemu/{vmid}/agent/exec-status")
def execute_status(ask):
    found = agent(ask, "guest-exec-status", {"pid": ask.get("pid")})
    for key in ("out", "err"):
        if f"{key}-data" in found:
            found[f"{key}-data"] = base64.b64decode(found[f"{key}-data"]).decode(errors="replace")
            found.setdefault(f"{key}-truncated", 0)
    found["exited"] = int(found["exited"])
    return found


@call("POST /nodes/{node}/qemu/{vmid}/monitor")
def monitor(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if not machine.running:
        raise died(f"VM {machine.vmid} not running")
    return machine.process.human(ask.get("command"))
