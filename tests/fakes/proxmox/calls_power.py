"""/nodes/NODE/qemu/VMID/status: what a machine does, and changing that."""

import os
import re
import time

import ha
import machine as running
from calls import call
from faults import ApiError, died
from vm import find, memory_of

SHUTDOWN_SECONDS = 60
# What is asked of a highly available machine is a wish to its manager.
HA_WISHES = {"qmstart": ("hastart", "started"), "qmstop": ("hastop", "stopped"), "qmshutdown": ("hastop", "stopped")}


def status_of(machine, full=False):
    """As the list of machines tells it; with `full` or for one machine alone, what QEMU tells as well."""
    config = machine.config
    cores = int(config.get("vcpus") or int(config.get("cores", 1)) * int(config.get("sockets", 1)))
    entry = {"vmid": machine.vmid, "name": machine.name(), "status": "running" if machine.running else "stopped",
             "cpus": cores, "cpu": 0, "mem": 0, "disk": 0, "netin": 0, "netout": 0, "diskread": 0, "diskwrite": 0,
             "uptime": 0, "maxmem": memory_of(config) << 20,
             "maxdisk": machine.boot_disk_size(), "qmpstatus": "stopped", "ha": {"managed": 0}}
    if machine.template:
        entry["template"] = 1
    entry |= {key: config[key] for key in ("lock", "tags") if key in config}
    if any(re.fullmatch(r"serial\d+", key) for key in config):
        entry["serial"] = 1
    if agent_enabled(config):
        entry["agent"] = 1
    if "vga" in config:
        clipboard = re.search(r"clipboard=(\w+)", config["vga"])
        entry["clipboard"] = clipboard[1] if clipboard else None
    if machine.running:
        entry |= figures(machine, full)
    return entry


def figures(machine, full):
    process = machine.process
    entry = {"pid": process.child.pid, "uptime": int(time.time() - process.started), "mem": resident(process.child.pid)}
    if full:
        entry["qmpstatus"] = process.ask("query-status")["status"]
        entry |= {"running-machine": machine_kind(process), "running-qemu": version(process), "proxmox-support": {}}
        entry["blockstat"] = block_figures(process)
        entry["diskread"] = sum(stats.get("rd_bytes", 0) for stats in entry["blockstat"].values())
        entry["diskwrite"] = sum(stats.get("wr_bytes", 0) for stats in entry["blockstat"].values())
        entry["nics"] = {f"tap{machine.vmid}i{key[3:]}": {"netin": 0, "netout": 0}
                         for key in machine.config if re.fullmatch(r"net\d+", key)}
    else:
        entry["qmpstatus"] = "running"
    return entry


def resident(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def machine_kind(process):
    return process.ask("qom-get", {"path": "/machine", "property": "type"}).removesuffix("-machine")


def version(process):
    found = process.ask("query-version")["qemu"]
    return f"{found['major']}.{found['minor']}.{found['micro']}"


def block_figures(process):
    found = {}
    for entry in process.ask("query-blockstats"):
        key = entry.get("device", "").removeprefix("drive-") or os.path.basename(entry.get("qdev", ""))
        if key:
            found[key] = entry["stats"]
    return found


def agent_enabled(config):
    return bool(re.match(r"(enabled=)?1", config.get("agent", "0")))


@call("GET /nodes/{node}/qemu/{vmid}/status/current")
def current(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    try:
        entry = status_of(machine, full=True)
    except (OSError, ApiError):  # it ended while it was asked
        entry = status_of(machine)
    sid = f"vm:{machine.vmid}"
    if sid in ask.world.ha:
        entry["ha"] = {"managed": 1, "state": ask.world.ha[sid].get("state", "started")}
    return entry


def boot_process(machine, task, skiplock=False):
    """Starts QEMU; raises as a start on the server fails."""
    with machine.locked():
        if machine.world.machines.get(machine.vmid) is not machine:
            find(machine.world, machine.vmid, machine.node)
        if machine.template:
            raise died("you can't start a vm if it's a template")
        if not skiplock:
            machine.demand_unlocked()
        if machine.running:
            raise died(f"VM {machine.vmid} already running")
        if machine.shown().get("kvm", "1") == "1" and not machine.world.options["tcg"]:
            raise died("KVM virtualisation configured, but not available. Either disable in VM configuration or "
                       "enable in BIOS.")
        check_bridges(machine)
        machine.config = machine.shown()
        machine.pending, machine.dropped = {}, {}
        machine.save()
        machine.process = running.Process(machine, task)


def check_bridges(machine):
    known = {bridge["iface"] for bridge in machine.world.bridges_on(machine.node)} | machine.world.vnet_names()
    for key, value in list(machine.config.items()):
        bridge = re.search(r"bridge=([^,]+)", value) if re.fullmatch(r"net\d+", key) else None
        if bridge and bridge[1] not in known:
            raise died(f"bridge '{bridge[1]}' does not exist")


def powered(kind):
    """A call that does its work in a task."""
    def enter(work):
        def handler(ask):
            check_skiplock(ask)
            if kind in HA_WISHES and ha.managed(ask.world, ask.get("vmid")):
                name, state = HA_WISHES[kind]
                patience = ask.get("timeout", SHUTDOWN_SECONDS) if kind == "qmshutdown" else 0
                return ask.task(name, ask.get("vmid"), lambda _: ha.wish(ask.world, ask.get("vmid"), state, patience))
            if kind in ("qmpause", "qmresume", "qmreset"):  # these look for the machine before they answer
                find(ask.world, ask.get("vmid"), ask.node)
            return ask.task(kind, ask.get("vmid"), lambda task: work(ask, task))
        return handler
    return enter


def check_skiplock(ask):
    if ask.get("skiplock") and not ask.caller.is_root:
        raise ApiError(400, "Parameter verification failed.", {"skiplock": "Only root may use this option."})


@call("POST /nodes/{node}/qemu/{vmid}/status/start")
@powered("qmstart")
def start(ask, task):
    boot_process(find(ask.world, ask.get("vmid"), ask.node), task, bool(ask.get("skiplock")))


@call("POST /nodes/{node}/qemu/{vmid}/status/stop")
@powered("qmstop")
def stop(ask, task):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if ask.get("overrule-shutdown"):
        for other in ask.world.tasks.running():
            if other.kind == "qmshutdown" and other.ident == str(machine.vmid):
                other.stop.set()
                other.done.wait(5)
    with machine.locked():
        if not ask.get("skiplock"):
            machine.demand_unlocked()
        if machine.running:
            machine.process.quit(task)
        apply_pending(machine)


def apply_pending(machine):
    """What waited for the machine's end is its configuration now."""
    if machine.pending or machine.dropped:
        machine.config = machine.shown()
        machine.pending, machine.dropped = {}, {}
        machine.save()


@call("POST /nodes/{node}/qemu/{vmid}/status/shutdown")
@powered("qmshutdown")
def shutdown(ask, task):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    with machine.locked():
        if not ask.get("skiplock"):
            machine.demand_unlocked()
        if not machine.running:
            return
        if machine.process.ask("query-status")["status"] == "paused":
            raise died("VM is paused - cannot shutdown") if not ask.get("forceStop") else died("VM quit/powerdown failed")
        press_button(machine)
        # The lock is held while the guest takes its time: whoever wants to stop or change it meanwhile gets a timeout.
        if not machine.process.wait(ask.get("timeout", SHUTDOWN_SECONDS), task):
            if not ask.get("forceStop"):
                raise died("VM quit/powerdown failed - got timeout")
            task.log("VM still running - terminating now with SIGTERM")
            machine.process.quit(task)
        apply_pending(machine)


def press_button(machine):
    try:
        machine.process.ask("system_powerdown")
    except OSError:
        pass  # it has just ended


@call("POST /nodes/{node}/qemu/{vmid}/status/reset")
@powered("qmreset")
def reset(ask, _):
    machine = running_machine(ask)
    machine.process.ask("system_reset")


@call("POST /nodes/{node}/qemu/{vmid}/status/reboot")
@powered("qmreboot")
def reboot(ask, task):
    machine = running_machine(ask)
    press_button(machine)
    if not machine.process.wait(ask.get("timeout", SHUTDOWN_SECONDS), task):
        raise died("VM quit/powerdown failed - got timeout")
    boot_process(machine, task)


@call("POST /nodes/{node}/qemu/{vmid}/status/suspend")
@powered("qmpause")
def suspend(ask, _):
    machine = running_machine(ask)
    machine.process.ask("stop")


@call("POST /nodes/{node}/qemu/{vmid}/status/resume")
@powered("qmresume")
def resume(ask, _):
    machine = running_machine(ask)
    machine.process.ask("cont")


def running_machine(ask):
    machine = find(ask.world, ask.get("vmid"), ask.node)
    if not machine.running:
        raise died(f"VM {machine.vmid} not running")
    return machine
