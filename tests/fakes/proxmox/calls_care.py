"""What takes care of machines beside running them: backup jobs, replication, the firewall. None of them does its work
here; what they are told is kept as the server keeps it."""

import hashlib
import json
import re
import threading
import time

import storage as storages
from calls import call
from faults import bad, died
from formats import split_list
from vm import DRIVES, find, is_cdrom, parse_drive

REPLICATION_SECONDS = 0.3  # until a node looks at its jobs; on the server a minute
CHANGED = "detected modified configuration - file changed by other user? Try again."


def digest_of(content):
    return hashlib.sha1(json.dumps(content, sort_keys=True).encode()).hexdigest()


def demand_digest(given, content):
    if given and given != digest_of(content):
        raise died(CHANGED)


# Backup jobs

WHOM = ("vmid", "all", "pool", "exclude")


@call("GET /cluster/backup")
def backup_jobs(ask):
    return [dict(job) for _, job in sorted(ask.world.backup_jobs.items())]


@call("POST /cluster/backup")
def add_backup_job(ask):
    name = ask.get("id") or f"backup-{digest_of(ask.given)[:13]}"
    if name in ask.world.backup_jobs:
        raise bad(id=f"Job '{name}' already exists")
    ask.world.backup_jobs[name] = {"enabled": 1} | ask.given | {"id": name, "type": "vzdump"}


def backup_job(ask):
    job = ask.world.backup_jobs.get(ask.get("id"))
    if not job:
        raise bad(id=f"No such job '{ask.get('id')}'")
    return job


@call("GET /cluster/backup/{id}")
def one_backup_job(ask):
    return dict(backup_job(ask))


@call("PUT /cluster/backup/{id}")
def change_backup_job(ask):
    """Whom it takes is said in one way: a list of machines makes it forget `all` and its pool."""
    job = backup_job(ask)
    given = {key: value for key, value in ask.given.items() if key not in ("id", "delete")}
    for key in split_list(ask.get("delete", "")):
        job.pop(key, None)
    for key, others in (("vmid", WHOM), ("pool", WHOM), ("all", ("vmid", "pool"))):
        if given.get(key):
            for other in others:
                job.pop(other, None)
    job |= given


def forget_in_jobs(world, vmid):
    for job in world.backup_jobs.values():
        for key in ("vmid", "exclude"):
            if key in job:
                job[key] = ",".join(one for one in split_list(job[key]) if one != str(vmid))


# Replication


@call("GET /cluster/replication")
def replication_jobs(ask):
    return [job | {"digest": digest_of(job)} for _, job in sorted(ask.world.replication.items())
            if ask.may(f"/vms/{job['guest']}", "VM.Audit")]


def replication_job(ask, *privilege):
    job = ask.world.replication.get(ask.get("id"))
    if not job:
        raise died(f"no such replication job '{ask.get('id')}'")
    if privilege:
        ask.demand(f"/vms/{job['guest']}", *privilege)
    return job


def may_replicate(ask):
    """The privilege that 9 asks for on the machine; 8 asks for one on all storages, as its table says."""
    return ("VM.Replicate",) if ask.world.version != "8.4" else ()


@call("GET /cluster/replication/{id}")
def one_replication_job(ask):
    job = replication_job(ask, "VM.Audit")
    return job | {"digest": digest_of(job)}


@call("POST /cluster/replication")
def add_replication_job(ask):
    world, name, target = ask.world, ask.get("id"), ask.get("target")
    guest, number = (int(part) for part in name.split("-"))
    for privilege in may_replicate(ask):
        ask.demand(f"/vms/{guest}", privilege)
    machine = world.machines.get(guest)
    if not machine:
        raise died(f"no such guest '{guest}'")
    if name in world.replication:
        raise died(f"replication job '{name}' already exists")
    if any(job["guest"] == guest and job["target"] == target for job in world.replication.values()):
        raise died(f"guest '{guest}' is replicated to '{target}' already")
    if target not in world.nodes or target == machine.node:
        raise died(f"cannot replicate to '{target}'")
    check_volumes(world, machine, target)
    world.replication[name] = {"id": name, "type": "local", "guest": guest, "jobnum": number, "source": machine.node,
                               "target": target} | {key: ask.get(key) for key in ("schedule", "rate", "comment", "disable")
                                                    if ask.get(key) is not None}


def check_volumes(world, machine, target):
    for key, text in machine.config.items():
        drive = parse_drive(text) if DRIVES.fullmatch(key) else None
        if drive and not is_cdrom(drive):
            storage, _ = storages.volume(world, drive["file"])
            if storage.kind != "zfspool":
                raise died(f"missing replicate feature on volume '{drive['file']}'")
            if not storage.on(target):
                raise died(f"storage '{storage.name}' is not available on node '{target}'")


@call("PUT /cluster/replication/{id}")
def change_replication_job(ask):
    job = replication_job(ask, *may_replicate(ask))
    demand_digest(ask.get("digest"), job)
    for key in split_list(ask.get("delete", "")):
        job.pop(key, None)
    job |= {key: value for key, value in ask.given.items() if key not in ("id", "delete", "digest")}


@call("DELETE /cluster/replication/{id}")
def remove_replication_job(ask):
    """Without force it is only marked: the node's own work takes the copies away, then the job."""
    job = replication_job(ask, *may_replicate(ask))
    if ask.get("force"):
        del ask.world.replication[job["id"]]
        return
    job["remove_job"] = "local" if ask.get("keep") else "full"
    threading.Thread(target=work_off, args=(ask.world, job), daemon=True).start()


def work_off(world, job):
    time.sleep(REPLICATION_SECONDS)
    if all(world.nodes[job[end]].online for end in ("source", "target")):
        world.replication.pop(job["id"], None)


def forget_replication(world, vmid):
    """The copies on other nodes stay."""
    world.replication = {name: job for name, job in world.replication.items() if job["guest"] != vmid}


# The firewall


@call("GET /cluster/firewall/groups")
def security_groups(ask):
    return [{"group": name, "digest": digest_of(ask.world.security_groups)} |
            ({"comment": comment} if comment else {}) for name, comment in sorted(ask.world.security_groups.items())]


@call("POST /cluster/firewall/groups")
def add_security_group(ask):
    name = ask.get("group")
    if name in ask.world.security_groups:
        raise bad(group=f"Security group '{name}' already exists")
    ask.world.security_groups[name] = ask.get("comment", "")


@call("GET /cluster/firewall/options")
def cluster_firewall_options(ask):
    return ask.world.firewall_options


@call("GET /nodes/{node}/qemu/{vmid}/firewall/options")
def firewall_options(ask):
    options = find(ask.world, ask.get("vmid"), ask.node).firewall["options"]
    return options | {"digest": digest_of(options)}


@call("PUT /nodes/{node}/qemu/{vmid}/firewall/options")
def change_firewall_options(ask):
    options = find(ask.world, ask.get("vmid"), ask.node).firewall["options"]
    demand_digest(ask.get("digest"), options)
    for key in split_list(ask.get("delete", "")):
        options.pop(key, None)
    options |= {key: value for key, value in ask.given.items() if key not in ("node", "vmid", "delete", "digest")}


@call("GET /nodes/{node}/qemu/{vmid}/firewall/rules")
def firewall_rules(ask):
    rules = find(ask.world, ask.get("vmid"), ask.node).firewall["rules"]
    return [rule | {"pos": number, "digest": digest_of(rules)} for number, rule in enumerate(rules)]


@call("POST /nodes/{node}/qemu/{vmid}/firewall/rules")
def add_firewall_rule(ask):
    """A new rule comes first."""
    rules = find(ask.world, ask.get("vmid"), ask.node).firewall["rules"]
    demand_digest(ask.get("digest"), rules)
    action = ask.get("action")
    if ask.get("type") == "group" and action not in ask.world.security_groups:
        raise bad(action=f"security group '{action}' does not exist")
    if ask.get("type") != "group" and not re.fullmatch("ACCEPT|DROP|REJECT", action):
        raise bad(action=f"unknown action '{action}'")
    rules.insert(0, {"enable": 0} | {key: value for key, value in ask.given.items()
                                     if key not in ("node", "vmid", "digest", "pos")})


@call("DELETE /nodes/{node}/qemu/{vmid}/firewall/rules/{pos}")
def remove_firewall_rule(ask):
    rules = find(ask.world, ask.get("vmid"), ask.node).firewall["rules"]
    demand_digest(ask.get("digest"), rules)
    if not ask.get("pos") < len(rules):
        raise bad(pos=f"no rule at position {ask.get('pos')}")
    del rules[ask.get("pos")]
