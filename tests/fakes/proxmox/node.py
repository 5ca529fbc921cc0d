"""The node's own programs (qm, pvesm, pvesh, pveversion), worked by the fake itself: {"rc", "stdout", "stderr"}.

Exit codes are those of the recordings: leftovers of the last system error as often as a plain 255.
"""

import json
import platform
import re
import time

import calls
import disks
import node_storage
import storage as storages
import validate
from access import Caller
from calls_config import Change
from calls_power import status_of
from faults import ApiError, died
from vm import DRIVES, find, parse_drive

NO_SUCH_FILE, NOT_A_TYPEWRITER, ANY = 2, 25, 255


class Usage(Exception):
    """Wrong words on the command line."""


class Answer:
    def __init__(self):
        self.out = []

    def say(self, text):
        self.out.append(text.rstrip("\n") + "\n")


class Node:
    """One command on one node, by root."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.answer = Answer()

    def call(self, endpoint_name, given):
        """An API call as the programs make it: by root, at once."""
        endpoint = self.world.table.get(endpoint_name)
        values = validate.parameters(endpoint, given, self.world.privileges)
        return calls.Call(self.world, self.name, self.name, Caller("root@pam"), values, None, endpoint)

    def api(self, endpoint_name, given):
        """Makes the call and waits for its worker, whose log is the program's output."""
        ask = self.call(endpoint_name, given)
        result = calls.HANDLERS[endpoint_name](ask)
        if isinstance(result, calls.Reply):
            result = result.data
        if isinstance(result, str) and result.startswith("UPID:"):
            task = self.world.tasks.find(result)
            task.done.wait()
            self.show(task)
        return result

    def show(self, task):
        for line in task.lines:
            if not line.startswith(("TASK OK", "TASK ERROR")):
                self.answer.say(line)
        if task.exit != "OK":
            raise died(task.exit)

    def task(self, kind):
        """A worker's log for work that is done right here."""
        return self.world.tasks.new(self.name, kind, "", Caller("root@pam"))


def run(world, name, argv):
    worker = Node(world, name)
    program, words = argv[0], argv[1:]
    try:
        {"qm": qm, "pvesm": node_storage.pvesm, "pvesh": pvesh, "pveversion": pveversion}[program](worker, words)
    except Usage as error:
        return done(worker, ANY, str(error))
    except ApiError as error:
        return done(worker, code_of(error.message), told(error))
    return done(worker, 0, "")


def done(worker, code, text):
    return {"rc": code, "stdout": "".join(worker.answer.out), "stderr": text + "\n" if text else ""}


def told(error):
    if error.errors:
        return f"{error.status} {error.message}\n" + "\n".join(f"{key}: {text.rstrip()}" for key, text in
                                                              sorted(error.errors.items()))
    return error.message


def code_of(message):
    if re.match(r"Configuration file .* does not exist|.*non-existent or non-regular file", message):
        return NO_SUCH_FILE
    return NOT_A_TYPEWRITER if message.startswith("disk image") else ANY


def options_of(words, usage, known=None):
    """(plain words, {option: value})."""
    plain, found = [], {}
    words = list(words)
    while words:
        word = words.pop(0)
        if not re.match(r"--?[A-Za-z]", word):
            plain.append(word)
            continue
        key, mark, value = word.lstrip("-").partition("=")
        if known and not known(key):
            raise Usage(f"Unknown option: {key}\n400 unable to parse option\n{usage}")
        if not mark:
            value = words.pop(0) if words and not re.match(r"--[A-Za-z]", words[0]) else "1"
        found[key] = value
    return plain, found


def qm(worker, words):
    name = words[0] if words else ""
    if name in ("disk", "importdisk"):
        words = words[1:] if name == "disk" else ["import", *words[1:]]
        name = f"disk {words[0]}"
    handler = QM.get(name)
    if not handler:
        raise Usage(f"ERROR: unknown command 'qm {name}'")
    handler(worker, words[1:])


def qm_call(endpoint_name, usage, *named):
    """A command that is one API call; plain words are the parameters `named`."""
    def handler(worker, words):
        endpoint = worker.world.table.get(endpoint_name)
        plain, given = options_of(words, usage, endpoint.find)
        worker.api(endpoint_name, dict(zip(named, plain)) | given | {"node": worker.name})
    return handler


def qm_set(worker, words):
    endpoint = worker.world.table.get("PUT /nodes/{node}/qemu/{vmid}/config")
    plain, given = options_of(words, "qm set <vmid> [OPTIONS]", endpoint.find)
    ask = worker.call("PUT /nodes/{node}/qemu/{vmid}/config", given | {"vmid": plain[0], "node": worker.name})
    change = Change(ask)
    change.early()
    worker.answer.say(change.told())
    task = worker.task("qmset")
    try:
        change.apply(task)
    finally:
        worker.world.tasks.finish(task, "OK")
        worker.answer.out += [line + "\n" for line in task.lines if line != "TASK OK"]


def qm_config(worker, words):
    machine = find(worker.world, int(words[0]), worker.name)
    for key, value in sorted(machine.shown("--current" in words).items()):
        worker.answer.say(f"{key}: " + value.replace("\n", "%0A"))


def qm_status(worker, words):
    machine = find(worker.world, int(words[0]), worker.name)
    worker.answer.say(f"status: {'running' if machine.running else 'stopped'}")
    if "--verbose" in words:
        worker.answer.out.pop()
        for key, value in sorted(status_of(machine, full=machine.running).items()):
            worker.answer.say(f"{key}: {value}")


def qm_list(worker, _):
    worker.answer.say("%10s %-20s %-10s %-10s %12s %-10s" % ("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID"))
    for _, machine in sorted(worker.world.machines.items()):
        if machine.node == worker.name:
            entry = status_of(machine)
            worker.answer.say("%10d %-20s %-10s %-10s %12.2f %-10d" % (
                machine.vmid, entry["name"], entry["status"], entry["maxmem"] >> 20, entry["maxdisk"] / (1 << 30),
                entry.get("pid", 0)))


def qm_unlock(worker, words):
    machine = find(worker.world, int(words[0]), worker.name)
    with machine.locked():
        machine.config.pop("lock", None)
        machine.save()


def qm_showcmd(worker, words):
    import commandline
    machine = find(worker.world, int(words[0]), worker.name)
    folder = worker.world.nodes[worker.name].sockets
    argv = commandline.build(machine, machine.shown(), folder, worker.task("showcmd"))
    worker.answer.say("/usr/bin/kvm " + " ".join(f"'{word}'" if re.search(r"[^\w./-]", word) else word for word in argv[1:]))


def qm_import(worker, words):
    plain, given = options_of(words, "qm disk import <vmid> <source> <storage> [OPTIONS]")
    vmid, source, name = int(plain[0]), plain[1], plain[2]
    machine = find(worker.world, vmid, worker.name)
    path = storages.Path(source)
    if not path.is_file():
        raise died(f"{source}: non-existent or non-regular file")
    form = path.suffix[1:] if path.suffix[1:] in storages.IMAGE_FORMATS else "raw"
    size = storages.image_info(path, form).get("virtual-size")
    if size is None:
        raise died(f"file_size_info on '{source}' failed")
    worker.answer.say(f"importing disk '{source}' to VM {vmid} ...")
    task = worker.task("qmimport")
    maker = disks.Maker(worker.world, worker.name, vmid, task)
    with machine.locked():
        machine.demand_unlocked()
        try:
            wanted = maker.form_on(name, given.get("format", "raw"))
            volid = maker.alloc(name, wanted, -(-size // 1024) * 1024)
            maker.convert(path, form, volid, wanted, size)
        except ApiError:
            maker.undo()
            raise
        finally:
            worker.world.tasks.finish(task, "OK")
            worker.answer.out += [line + "\n" for line in task.lines if line != "TASK OK"]
        key = given.get("target-disk") or free_unused(machine)
        machine.config[key] = volid
        machine.save()
    worker.answer.say(f"{key}: successfully imported disk '{volid}'")


def free_unused(machine):
    return next(f"unused{n}" for n in range(256) if f"unused{n}" not in machine.config)


def qm_rescan(worker, words):
    _, given = options_of(words, "qm disk rescan [OPTIONS]")
    worker.answer.say("rescan volumes...")
    for vmid, machine in sorted(worker.world.machines.items()):
        if machine.node == worker.name and given.get("vmid", str(vmid)) == str(vmid):
            used = {parse_drive(text)["file"] for key, text in machine.config.items()
                    if DRIVES.fullmatch(key) or key.startswith("unused")}
            there = [entry["volid"] for storage in worker.world.storages.values() if storage.on(worker.name)
                     for entry in storage.list(worker.name, ["images"], vmid)]
            for volid in sorted(set(there) - used):
                key = free_unused(machine)
                machine.config[key] = volid
                worker.answer.say(f"VM {vmid} add unreferenced volume '{volid}' as '{key}' to config")
            machine.save()


def qm_snapshots(worker, words):
    """A tree by indentation, as the recorded server's kind of lists is read by people."""
    machine = find(worker.world, int(words[0]), worker.name)
    for depth, (name, snapshot) in enumerate(machine.snapshots.items()):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(snapshot["snaptime"])))
        worker.answer.say(f"{'  ' * depth}`-> {name:<27} {when}     {snapshot.get('description', 'no-description')}")
    worker.answer.say(f"{'  ' * len(machine.snapshots)}`-> current                                             You are here!")


QEMU = "/nodes/{node}/qemu/{vmid}"
QM = {
    "set": qm_set, "config": qm_config, "status": qm_status, "list": qm_list, "unlock": qm_unlock,
    "showcmd": qm_showcmd, "listsnapshot": qm_snapshots, "disk import": qm_import, "disk rescan": qm_rescan, "rescan": qm_rescan,
    "create": qm_call("POST /nodes/{node}/qemu", "qm create <vmid> [OPTIONS]", "vmid"),
    "destroy": qm_call(f"DELETE {QEMU}", "qm destroy <vmid> [OPTIONS]", "vmid"),
    "start": qm_call(f"POST {QEMU}/status/start", "qm start <vmid> [OPTIONS]", "vmid"),
    "stop": qm_call(f"POST {QEMU}/status/stop", "qm stop <vmid> [OPTIONS]", "vmid"),
    "shutdown": qm_call(f"POST {QEMU}/status/shutdown", "qm shutdown <vmid> [OPTIONS]", "vmid"),
    "reset": qm_call(f"POST {QEMU}/status/reset", "qm reset <vmid> [OPTIONS]", "vmid"),
    "reboot": qm_call(f"POST {QEMU}/status/reboot", "qm reboot <vmid> [OPTIONS]", "vmid"),
    "suspend": qm_call(f"POST {QEMU}/status/suspend", "qm suspend <vmid> [OPTIONS]", "vmid"),
    "resume": qm_call(f"POST {QEMU}/status/resume", "qm resume <vmid> [OPTIONS]", "vmid"),
    "template": qm_call(f"POST {QEMU}/template", "qm template <vmid> [OPTIONS]", "vmid"),
    "disk resize": qm_call(f"PUT {QEMU}/resize", "qm disk resize <vmid> <disk> <size> [OPTIONS]", "vmid", "disk", "size"),
    "resize": qm_call(f"PUT {QEMU}/resize", "qm resize <vmid> <disk> <size> [OPTIONS]", "vmid", "disk", "size"),
    "snapshot": qm_call(f"POST {QEMU}/snapshot", "qm snapshot <vmid> <snapname> [OPTIONS]", "vmid", "snapname"),
    "delsnapshot": qm_call(f"DELETE {QEMU}/snapshot/{{snapname}}", "qm delsnapshot <vmid> <snapname> [OPTIONS]",
                           "vmid", "snapname"),
}


def pvesh(worker, words):
    methods = {"get": "GET", "create": "POST", "set": "PUT", "delete": "DELETE", "ls": "GET"}
    method = methods.get(words[0] if words else "")
    if not method:
        raise Usage("ERROR: unknown command")
    plain, given = options_of(words[1:], "pvesh")
    form = given.pop("output-format", "text")
    endpoint, found = worker.world.table.route(method, plain[0])
    if not endpoint:
        raise Usage(f"No '{words[0]}' handler defined for '{plain[0]}'")
    try:
        result = worker.api(f"{method} {endpoint.path}", given | found)
    except ApiError as error:
        if error.errors:
            needed = " ".join(f"--{key} <{spec['type']}>" for key, spec in sorted(endpoint.params.items())
                              if not spec.get("optional") and key not in found)
            raise Usage(f"{told(error)}\npvesh {words[0]} <api_path> {needed} [OPTIONS] [FORMAT_OPTIONS]") from error
        raise
    if result is not None:
        worker.answer.say(json.dumps(result, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
                          if form == "json" else json.dumps(result, sort_keys=True, indent=1))


def pveversion(worker, _):
    release = worker.world.release
    worker.answer.say(f"pve-manager/{release['version']}/{release['repoid']} (running kernel: {platform.release()})")
